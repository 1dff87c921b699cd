//! What a target is, and the property that all codecs share.

use commonware_codec::{Copying, Decode, Encode};

use crate::allocation;

/// Something that takes bytes from strangers.
pub struct Target {
    pub name: &'static str,
    pub what: &'static str,
    /// Panics when a property is broken; `true` when the input was accepted.
    pub run: fn(&[u8]) -> bool,
    /// Inputs to begin with; the first is accepted.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Longest input, bytes.
    pub max_len: usize,
    /// Most that an input may make the heap grow, bytes.
    pub max_heap: usize,
    /// Share of the time, 1 for most.
    pub weight: u32,
}

impl Target {
    pub const fn new(
        name: &'static str,
        what: &'static str,
        run: fn(&[u8]) -> bool,
        seeds: fn() -> Vec<Vec<u8>>,
    ) -> Self {
        Self { name, what, run, seeds, max_len: 4096, max_heap: 1 << 20, weight: 1 }
    }

    pub const fn long(mut self, max_len: usize, max_heap: usize) -> Self {
        (self.max_len, self.max_heap) = (max_len, max_heap);
        self
    }

    pub const fn weighing(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }

    /// One input, with the bound on memory.
    pub fn hold(&self, input: &[u8]) -> bool {
        let (accepted, grown) = allocation::measured(|| (self.run)(input));
        let (len, most) = (input.len(), self.max_heap);
        assert!(grown <= most, "{len} bytes made the heap grow by {grown}, more than {most}");
        accepted
    }

    /// First use of tables and fixtures, so that their memory is nobody's input's.
    pub fn warm_up(&self) -> Vec<Vec<u8>> {
        let seeds = (self.seeds)();
        for seed in &seeds {
            (self.run)(seed);
        }
        seeds
    }
}

/// Decodes all of the input; what decodes encodes to the same bytes.
pub fn canonical<T: Decode<Cfg = ()> + Encode>(input: &[u8]) -> Option<T> {
    let value = T::decode_cfg(Copying(input), &()).ok()?;
    assert_eq!(value.encode(), input, "two encodings of one value");
    Some(value)
}

/// `canonical` where the value itself is of no use.
pub fn decodes<T: Decode<Cfg = ()> + Encode>(input: &[u8]) -> bool {
    canonical::<T>(input).is_some()
}

/// Takes the first byte as a choice among `choices`.
pub fn choose<'a, T>(input: &'a [u8], choices: &[T]) -> Option<(&'a [u8], usize)> {
    let (first, rest) = input.split_first()?;
    Some((rest, usize::from(*first) % choices.len()))
}

/// A seed for a choice.
pub fn chosen(choice: usize, bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut seed = vec![choice as u8];
    seed.extend_from_slice(bytes.as_ref());
    seed
}
