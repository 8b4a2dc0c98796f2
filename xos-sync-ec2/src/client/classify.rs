//! From the code of an AWS error to what it means for the caller.

use std::time::Duration;

use super::ErrorKind;

/// The kind of an error answer. `status` is the HTTP status, `code` AWS's own word for it.
pub(super) fn kind(status: u16, code: &str, retry_after: Option<Duration>) -> ErrorKind {
    // Older services and gateways say who is at fault first: `Client.InvalidParameterValue`.
    let code = code.strip_prefix("Client.").or(code.strip_prefix("Server.")).unwrap_or(code);
    match code {
        "RequestLimitExceeded"
        | "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "EC2ThrottledException"
        | "SlowDown"
        | "TooManyRequests"
        | "TooManyRequestsException"
        | "BandwidthLimitExceeded" => ErrorKind::Throttled { retry_after },
        "IdempotentParameterMismatch" => ErrorKind::IdempotentMismatch,
        "IdempotentInstanceTerminated" => ErrorKind::IdempotentTerminated,
        "AuthFailure"
        | "UnauthorizedOperation"
        | "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "InvalidAccessKeyId"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "RequestExpired"
        | "RequestTimeTooSkewed"
        | "AccessDenied"
        | "AccessDeniedException"
        | "MissingAuthenticationToken"
        | "IncompleteSignature"
        | "OptInRequired"
        | "Blocked"
        | "AccountDisabled"
        | "NotAuthorized"
        | "PendingVerification" => ErrorKind::Unauthorized,
        "IncorrectInstanceState"
        | "IncorrectState"
        | "IncorrectSpotRequestState"
        | "InvalidState"
        | "DependencyViolation"
        | "VolumeInUse"
        | "ConcurrentTagAccess"
        | "ConcurrentCreate"
        | "OperationNotPermitted"
        | "ResourceNotReady" => ErrorKind::Conflict,
        "InvalidAMIID.Unavailable" => ErrorKind::NotFound,
        // A limit of one request or one resource, which time does not lift.
        "TagLimitExceeded" | "FilterLimitExceeded" | "SecurityGroupsPerInstanceLimitExceeded" => {
            ErrorKind::Invalid
        }
        "InternalError" | "InternalFailure" | "Unavailable" | "ServiceUnavailable" => {
            ErrorKind::Unavailable
        }
        _ if code.ends_with("NotFound") || code.ends_with(".NotFoundException") => {
            ErrorKind::NotFound
        }
        _ if code.ends_with("Duplicate") || code.ends_with("AlreadyExists") => ErrorKind::Duplicate,
        _ if code.starts_with("Insufficient") || code.ends_with("LimitExceeded") => {
            ErrorKind::Capacity
        }
        _ => match status {
            429 => ErrorKind::Throttled { retry_after },
            401 | 403 => ErrorKind::Unauthorized,
            400..500 => ErrorKind::Invalid,
            _ => ErrorKind::Unavailable,
        },
    }
}

/// Whether the credentials were good once and new ones will do.
pub(super) fn is_expiry(code: &str) -> bool {
    matches!(code, "ExpiredToken" | "ExpiredTokenException" | "RequestExpired")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_kinds() {
        let throttled = ErrorKind::Throttled { retry_after: None };
        for (status, code, expected) in [
            (400, "InvalidInstanceID.NotFound", ErrorKind::NotFound),
            (400, "InvalidKeyPair.NotFound", ErrorKind::NotFound),
            (400, "InvalidAMIID.NotFound", ErrorKind::NotFound),
            (400, "InvalidAMIID.Unavailable", ErrorKind::NotFound),
            (400, "InvalidKeyPair.Duplicate", ErrorKind::Duplicate),
            (503, "RequestLimitExceeded", throttled),
            (400, "Client.RequestLimitExceeded", throttled),
            (429, "", throttled),
            (401, "AuthFailure", ErrorKind::Unauthorized),
            (400, "ExpiredToken", ErrorKind::Unauthorized),
            (403, "UnauthorizedOperation", ErrorKind::Unauthorized),
            (400, "InvalidAMIID.Malformed", ErrorKind::Invalid),
            (400, "InvalidParameterValue", ErrorKind::Invalid),
            (400, "TagLimitExceeded", ErrorKind::Invalid),
            (400, "SomethingNew", ErrorKind::Invalid),
            (500, "InsufficientInstanceCapacity", ErrorKind::Capacity),
            (400, "InsufficientFreeAddressesInSubnet", ErrorKind::Capacity),
            (400, "InstanceLimitExceeded", ErrorKind::Capacity),
            (400, "VcpuLimitExceeded", ErrorKind::Capacity),
            (400, "IncorrectInstanceState", ErrorKind::Conflict),
            (400, "IdempotentParameterMismatch", ErrorKind::IdempotentMismatch),
            (400, "IdempotentInstanceTerminated", ErrorKind::IdempotentTerminated),
            (500, "InternalError", ErrorKind::Unavailable),
            (503, "Server.Unavailable", ErrorKind::Unavailable),
            (599, "SomethingNew", ErrorKind::Unavailable),
        ] {
            assert_eq!(kind(status, code, None), expected, "{status} {code}");
        }
    }

    #[test]
    fn throttling_carries_the_wait() {
        let wait = Some(Duration::from_secs(7));
        assert_eq!(
            kind(503, "RequestLimitExceeded", wait),
            ErrorKind::Throttled { retry_after: wait }
        );
    }
}
