//! What options hold, each read from the same text in flags, environment and file.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use serde::{Deserialize, Deserializer};
use skep_gateway::management::LogLevel;

/// An address to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Address(pub(crate) IpAddr);

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("localhost") {
            return Ok(Self(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        }
        let address = text.parse().map_err(|_| {
            format!("'{text}' is not an IP address such as 127.0.0.1, 0.0.0.0 or ::1")
        })?;
        Ok(Self(address))
    }
}

/// A number of bytes: `512MB`, `2GiB`, `1000000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByteSize(pub(crate) usize);

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let factor: usize = match unit.trim().to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "k" | "kb" | "kib" => 1 << 10,
            "m" | "mb" | "mib" => 1 << 20,
            "g" | "gb" | "gib" => 1 << 30,
            _ => return Err(format!("'{text}' is not a size such as 512MB or 2GB")),
        };
        number
            .parse::<usize>()
            .ok()
            .and_then(|number| number.checked_mul(factor))
            .map(Self)
            .ok_or_else(|| format!("'{text}' is not a size such as 512MB or 2GB"))
    }
}

/// Form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, with the fields of Stackdriver.
    Json,
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "text" | "console" => Ok(Self::Text),
            "json" | "stackdriver" => Ok(Self::Json),
            _ => Err(format!("'{text}' is not a log format: text or json")),
        }
    }
}

/// A log level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Level(pub(crate) LogLevel);

impl FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self)
    }
}

/// Brokers and where they are dialled: `0=host:port,1=host:port`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Peers(pub(crate) BTreeMap<u32, String>);

impl FromStr for Peers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut peers = BTreeMap::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let wrong = || {
                format!(
                    "'{part}' is not a broker such as 0=127.0.0.1:26502; separate them by commas"
                )
            };
            let (id, address) = part.split_once('=').ok_or_else(wrong)?;
            let id: u32 = id.trim().parse().map_err(|_| wrong())?;
            if peers.insert(id, address.trim().to_owned()).is_some() {
                return Err(format!("node {id} is there twice"));
            }
        }
        Ok(Self(peers))
    }
}

/// Addresses separated by commas.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Addresses(pub(crate) Vec<String>);

impl FromStr for Addresses {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        Ok(Self(parts.map(str::to_owned).collect()))
    }
}

macro_rules! deserialize_from_text {
    ($($name:ident,)*) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                #[derive(Deserialize)]
                #[serde(untagged)]
                enum Scalar { Text(String), Number(u64), Truth(bool) }
                // YAML reads 1048576 as a number and off as a truth.
                let text = match Scalar::deserialize(deserializer)? {
                    Scalar::Text(text) => text,
                    Scalar::Number(number) => number.to_string(),
                    Scalar::Truth(truth) => (if truth { "on" } else { "off" }).to_owned(),
                };
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

deserialize_from_text! { Address, ByteSize, LogFormat, Level, Peers, Addresses, }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brokers_are_read() {
        let peers: Peers = "0=a:1, 2=b:2,".parse().unwrap();
        assert_eq!(peers.0, BTreeMap::from([(0, "a:1".to_owned()), (2, "b:2".to_owned())]));
        for wrong in ["a:1", "x=a:1", "0=a:1,0=b:1", "-1=a:1"] {
            assert!(wrong.parse::<Peers>().is_err(), "{wrong}");
        }
        assert_eq!("a:1, b:2".parse::<Addresses>().unwrap().0, ["a:1", "b:2"]);
    }

    #[test]
    fn sizes_are_read() {
        for (text, bytes) in
            [("1", 1), ("2k", 2048), ("512MB", 512 << 20), ("1 GiB", 1 << 30), ("7b", 7)]
        {
            assert_eq!(text.parse::<ByteSize>().unwrap().0, bytes, "{text}");
        }
        for text in ["", "x", "1.5GB", "-1", "9999999999999999GB", "5 parsecs"] {
            assert!(text.parse::<ByteSize>().is_err(), "{text}");
        }
    }
}
