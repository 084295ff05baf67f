//! URLs as far as a request needs them.

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Url {
    pub(super) tls: bool,
    pub(super) host: String,
    pub(super) port: u16,
    /// Path and query.
    pub(super) target: String,
    /// `user:password`.
    pub(super) user: Option<String>,
}

impl Url {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("Invalid URL '{text}': it has to begin with http:// or https://");
        let (scheme, rest) = text.trim().split_once("://").ok_or_else(wrong)?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return Err(wrong()),
        };
        let rest = rest.split('#').next().unwrap_or("");
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let (user, authority) = match authority.rsplit_once('@') {
            Some((user, authority)) => (Some(user.to_owned()), authority),
            None => (None, authority),
        };
        let (host, port) = split_port(authority);
        let port = match port {
            None | Some("") => {
                if tls {
                    443
                } else {
                    80
                }
            }
            Some(port) => port.parse().map_err(|_| format!("Invalid URL '{text}': bad port"))?,
        };
        if host.is_empty() {
            return Err(format!("Invalid URL '{text}': No host supplied"));
        }
        let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
        Ok(Self { tls, host: host.to_owned(), port, target: escaped(&target), user })
    }

    /// Another place, as a redirection names it.
    pub(super) fn join(&self, place: &str) -> Result<Self, String> {
        if place.contains("://") {
            return Self::parse(place);
        }
        let scheme = if self.tls { "https" } else { "http" };
        if place.starts_with("//") {
            return Self::parse(&format!("{scheme}:{place}"));
        }
        let path = self.target.split('?').next().unwrap_or("/");
        let target = if place.starts_with('/') {
            place.to_owned()
        } else {
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            format!("{folder}/{place}")
        };
        Ok(Self { target: escaped(&target), ..self.clone() })
    }

    /// Adds to the query.
    pub(super) fn add_query(&mut self, query: &str) {
        if !query.is_empty() {
            self.target.push(if self.target.contains('?') { '&' } else { '?' });
            self.target.push_str(query);
        }
    }

    /// For the `Host` header.
    pub(super) fn authority(&self) -> String {
        let default = if self.tls { 443 } else { 80 };
        if self.port == default {
            self.host.clone()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// The host without the brackets of an IPv6 address.
    pub(super) fn name(&self) -> &str {
        self.host.trim_matches(['[', ']'])
    }
}

fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        // The colons within brackets belong to an address.
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

/// What may not stand in a URL, as bytes in hexadecimal.
fn escaped(target: &str) -> String {
    let mut text = String::with_capacity(target.len());
    for byte in target.bytes() {
        if byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// A part of a query or a form.
pub(super) fn form_escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => {
                escaped.push(char::from(byte));
            }
            b' ' => escaped.push('+'),
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_have_parts() {
        let url = Url::parse("https://user:pw@example.org:8443/a b?c=d#e").expect("a URL");
        assert_eq!((url.tls, url.host.as_str(), url.port), (true, "example.org", 8443));
        assert_eq!(url.target, "/a%20b?c=d");
        assert_eq!(url.user.as_deref(), Some("user:pw"));
        let url = Url::parse("http://[::1]?x").expect("a URL");
        assert_eq!((url.name(), url.port, url.target.as_str()), ("::1", 80, "/?x"));
        for wrong in ["", "example.org", "ftp://x", "http://", "http://x:y"] {
            assert!(Url::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn redirections_are_relative() {
        let url = Url::parse("http://a:1/b/c?d").expect("a URL");
        for (place, target) in [("e", "/b/e"), ("/e?f", "/e?f"), ("http://z/y", "/y")] {
            assert_eq!(url.join(place).expect("a URL").target, target);
        }
        assert_eq!(url.join("//z/y").expect("a URL").host, "z");
    }

    #[test]
    fn forms_are_escaped() {
        assert_eq!(form_escaped("a b&c=é~"), "a+b%26c%3D%C3%A9~");
    }
}
