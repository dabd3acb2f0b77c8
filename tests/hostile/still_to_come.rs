//! Attacks that are still to be written against the real binary; in the crates' own tests most of them stand already. Each
//! becomes an `Attack` here, or in a module of its own:
//!
//! - people: an invitation used twice, after 72 hours, by somebody else, for somebody who is there; a reset used twice, after an
//!   hour, asked for an address that nobody has (the same answer in like time); a change of address confirmed at one side only;
//!   the first start's page after the first user; the last owner removed.
//! - second: a code of an authenticator used twice, a recovery code used twice, a second step without the first, a guess at six
//!   digits (throttled); mail credentials, roles and tokens changed without a recent login.
//! - companies: a switch to a company one is not in; an export or a deletion with another company's id, or without the second
//!   person's word.
//! - tokens: each scope at each call (403 with the scope that is missing), an expired and a revoked token, one token's flood
//!   (429 with RateLimit headers, and the others are served).
//! - audit: an event changed or removed in the database is told by `acuse audit verify`; no secret stands in an export.

use crate::attack::Attack;
use crate::scene::Scene;

pub async fn attacks(_: &Scene) -> Vec<Attack> {
    Vec::new()
}
