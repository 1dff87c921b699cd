//! The store's refusals as stable codes; what failed inside the node is told to its log only.

use yilian_api::problem::Code;
use yilian_content::StoreError;

use crate::http::error::ApiError;

pub fn of(error: StoreError) -> ApiError {
    let code = match &error {
        StoreError::ObjectTooLarge { .. } | StoreError::TooLarge(_) => Code::ContentTooLarge,
        StoreError::Quota { .. } => Code::ContentStore,
        StoreError::TooManyUploads(_) | StoreError::UploadBytes { .. } => Code::ContentUploads,
        StoreError::UnknownUpload => Code::UploadUnknown,
        StoreError::LeafOrder { .. } => Code::UploadOrder,
        StoreError::LeafSize { .. } => Code::UploadLeaf,
        StoreError::Incomplete { .. } => Code::UploadIncomplete,
        StoreError::RootMismatch { .. } => Code::UploadRoot,
        StoreError::Allowance { .. } => Code::PaymentAllowance,
        StoreError::TicketSpent => Code::PaymentSpent,
        StoreError::UnknownObject => Code::ContentUnknown,
        StoreError::UnknownPin => Code::PinUnknown,
        StoreError::PinReplayed => Code::RequestReplayed,
        StoreError::Corrupt(_) => Code::ContentDamaged,
        StoreError::Reserve { .. } => Code::ContentReserve,
        StoreError::DiskFull => Code::ContentDisk,
        StoreError::IndexDamaged(_)
        | StoreError::Io(_)
        | StoreError::Index(_)
        | StoreError::Open(_)
        | StoreError::Build(_) => Code::Internal,
    };
    ApiError::of(code, &error)
}
