#!/bin/sh
# A compiler wrapper: `rustc` with SanitizerCoverage for the crates under test, plain for everything else.
#
# Third-party crates stay as they are, so that their builds are shared with the main workspace and no time goes into
# exploring their arithmetic; their generic code is instrumented where our crates instantiate it. Fixtures are left out, too.
rustc=$1
shift
case " $* " in
*" --crate-name yilian_testkit "*) ;;
*" --crate-name yilian_"*)
    exec "$rustc" "$@" -Cpasses=sancov-module \
        -Cllvm-args=-sanitizer-coverage-level=4 \
        -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
        -Cllvm-args=-sanitizer-coverage-pc-table \
        -Cllvm-args=-sanitizer-coverage-trace-compares
    ;;
esac
exec "$rustc" "$@"
