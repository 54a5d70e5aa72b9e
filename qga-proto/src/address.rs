//! Where an agent can be reached, as a string.

use core::fmt;

/// Where an agent can be reached: `unix:PATH`, `tcp:HOST:PORT`, `vsock:CID:PORT` or `serial:PATH`.
///
/// Which of them can be connected to is the adapter's matter; the strings are the same for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Address<'a> {
    /// A serial device or a pseudo terminal.
    Serial {
        /// The device's path.
        path: &'a str,
    },
    /// A TCP socket.
    Tcp {
        /// A name or an address; an IPv6 address without its brackets.
        host: &'a str,
        /// The port.
        port: u16,
    },
    /// A Unix socket: the usual host's side of a virtual serial port.
    Unix {
        /// The socket's path.
        path: &'a str,
    },
    /// A virtual machine's socket (`qemu-ga -m vsock-listen`, QEMU 2.8).
    Vsock {
        /// The guest's context id.
        cid: u32,
        /// The port.
        port: u32,
    },
}

/// What is wrong with an address.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressError {
    /// It begins with none of the known schemes.
    Scheme,
    /// The path or host is missing.
    Missing,
    /// The port is missing or not a number in its range.
    Number,
    /// The context id is not a number in its range.
    Cid,
}

impl<'a> Address<'a> {
    /// Reads an address.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn parse(text: &'a str) -> Result<Self, AddressError> {
        let (scheme, rest) = text.split_once(':').ok_or(AddressError::Scheme)?;
        let address = match scheme {
            "serial" => Self::Serial { path: rest },
            "tcp" => {
                let (host, port) = rest.rsplit_once(':').ok_or(AddressError::Number)?;
                let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
                Self::Tcp {
                    host: bare.unwrap_or(host),
                    port: port.parse().map_err(|_| AddressError::Number)?,
                }
            }
            "unix" => Self::Unix { path: rest },
            "vsock" => {
                let (cid, port) = rest.split_once(':').ok_or(AddressError::Number)?;
                Self::Vsock {
                    cid: cid.parse().map_err(|_| AddressError::Cid)?,
                    port: port.parse().map_err(|_| AddressError::Number)?,
                }
            }
            _ => return Err(AddressError::Scheme),
        };
        match address {
            Self::Serial { path: "" } | Self::Tcp { host: "", .. } | Self::Unix { path: "" } => {
                Err(AddressError::Missing)
            }
            address => Ok(address),
        }
    }
}

impl fmt::Display for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serial { path } => write!(f, "serial:{path}"),
            Self::Tcp { host, port } if host.contains(':') => write!(f, "tcp:[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "tcp:{host}:{port}"),
            Self::Unix { path } => write!(f, "unix:{path}"),
            Self::Vsock { cid, port } => write!(f, "vsock:{cid}:{port}"),
        }
    }
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "an address is unix:PATH, tcp:HOST:PORT, vsock:CID:PORT or serial:PATH",
            Self::Missing => "the address lacks a path or host",
            Self::Number => "the address lacks a port, or it is no number in its range",
            Self::Cid => "the address's context id is no number in its range",
        })
    }
}

impl core::error::Error for AddressError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_scheme() {
        for (text, address) in [
            ("unix:/run/vm.sock", Address::Unix { path: "/run/vm.sock" }),
            ("unix:odd:name", Address::Unix { path: "odd:name" }),
            ("tcp:host:4711", Address::Tcp { host: "host", port: 4711 }),
            ("tcp:[::1]:4711", Address::Tcp { host: "::1", port: 4711 }),
            ("vsock:3:1234", Address::Vsock { cid: 3, port: 1234 }),
            ("vsock:4294967295:1", Address::Vsock { cid: u32::MAX, port: 1 }),
            ("serial:/dev/ttyS0", Address::Serial { path: "/dev/ttyS0" }),
        ] {
            assert_eq!(Address::parse(text), Ok(address), "{text}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, error) in [
            ("", AddressError::Scheme),
            ("/run/vm.sock", AddressError::Scheme),
            ("udp:host:1", AddressError::Scheme),
            ("unix:", AddressError::Missing),
            ("serial:", AddressError::Missing),
            ("tcp::1", AddressError::Missing),
            ("tcp:host", AddressError::Number),
            ("tcp:host:65536", AddressError::Number),
            ("vsock:3", AddressError::Number),
            ("vsock:3:a", AddressError::Number),
            ("vsock:-1:5", AddressError::Cid),
            ("vsock:a:1", AddressError::Cid),
            ("vsock::1", AddressError::Cid),
        ] {
            assert_eq!(Address::parse(text), Err(error), "{text}");
        }
    }
}
