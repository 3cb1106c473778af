//! Where a runtime is published, and under which names.
//!
//! Valve's server has `steamrtN/images/VERSION/`, with further names for some versions
//! (`latest-public-stable`, `latest-public-beta`). In each: `VERSION.txt`, `SHA256SUMS`, and the depot as
//! `SteamLinuxRuntime_SUITE.tar.xz`, where SUITE is the code name up to `sniper` and the number from 4 on.

use crate::runtimes;
use plan::{Code, Problem};

/// The server, unless another is named.
const SERVER: &str = "https://repo.steampowered.com";

/// One runtime on a server.
pub(super) struct Published {
    /// `SERVER/steamrtN/images`.
    images: String,
    /// The file's name.
    pub(super) archive: String,
}

impl Published {
    /// What `name` means. `mirror`: another server with the same layout.
    pub(super) fn of(name: &str, mirror: Option<&str>) -> Result<Self, Problem> {
        let (series, arm) = runtimes::series(name).ok_or_else(|| {
            Problem::blocking(Code::BAD_VALUE, format!("no runtime called `{name}` is published"))
                .hint("name sniper, soldier, steamrt4 or a later one, or a file with a `/` in it")
        })?;
        let server = mirror.unwrap_or(SERVER).trim_end_matches('/');
        if !server.starts_with("https://") && !server.starts_with("http://") {
            let cause = format!("`{server}` is not an address of a server");
            return Err(Problem::blocking(Code::BAD_VALUE, cause)
                .hint("name one that starts with https:// or http://"));
        }
        let suite = match runtimes::suite(series) {
            Some(suite) if series < 4 => suite,
            _ => series.to_string(),
        };
        let arm = if arm { "-arm64" } else { "" };
        Ok(Self {
            images: format!("{server}/steamrt{series}/images"),
            archive: format!("SteamLinuxRuntime_{suite}{arm}.tar.xz"),
        })
    }

    /// The address of a file of a version, or of what a further name means now.
    pub(super) fn file(&self, version: &str, file: &str) -> String {
        format!("{}/{version}/{file}", self.images)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let server = "https://repo.steampowered.com";
        for (name, images, archive) in [
            ("sniper", "steamrt3", "SteamLinuxRuntime_sniper.tar.xz"),
            ("sniper-arm64", "steamrt3", "SteamLinuxRuntime_sniper-arm64.tar.xz"),
            ("soldier", "steamrt2", "SteamLinuxRuntime_soldier.tar.xz"),
            ("steamrt4", "steamrt4", "SteamLinuxRuntime_4.tar.xz"),
            ("steamrt4-arm64", "steamrt4", "SteamLinuxRuntime_4-arm64.tar.xz"),
            ("steamrt5", "steamrt5", "SteamLinuxRuntime_5.tar.xz"),
        ] {
            let published = Published::of(name, None).ok().unwrap();
            let want = format!("{server}/{images}/images/1.2/{archive}");
            assert_eq!(published.file("1.2", &published.archive), want);
        }
        let mirror = Published::of("sniper", Some("http://localhost:1/x/")).ok().unwrap();
        assert_eq!(mirror.file("v", "F"), "http://localhost:1/x/steamrt3/images/v/F");
        for (name, mirror) in
            [("mine", None), ("sniper", Some("file:///etc")), ("sniper", Some("-o"))]
        {
            assert!(Published::of(name, mirror).is_err(), "{name}");
        }
    }
}
