//! `v=DKIM1; k=rsa; p=…`: the list of tags that DKIM (RFC 6376 3.2) and DMARC (RFC 7489 6.4) share.

/// The tags in order, without white space around names and values. What has no `=` has an empty name.
pub(super) fn tags(record: &str) -> Vec<(&str, &str)> {
    let parts = record.split(';').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| part.split_once('=').map_or(("", part), |(name, value)| (name.trim(), value.trim()))).collect()
}

/// The value of the first tag of that name.
pub(super) fn value<'a>(tags: &[(&'a str, &'a str)], name: &str) -> Option<&'a str> {
    tags.iter().find(|(own, _)| *own == name).map(|(_, value)| *value)
}
