//! What `git config` says for one checkout, read with one call.

use std::ffi::{OsStr, OsString};

use super::command::path_of;
use super::error::GitError;
use super::repo::Repo;

/// All settings in their order: of keys that come more than once the last one counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings(Vec<Setting>);

#[derive(Debug, Clone)]
struct Setting {
    /// Set by the repository itself, for all its checkouts or for this one.
    own: bool,
    key: OsString,
    /// None: a key alone, which as a boolean is true.
    value: Option<OsString>,
}

impl Settings {
    pub fn read(repo: &Repo) -> Result<Self, GitError> {
        let output = repo.call("config").args(["--list", "--show-scope", "-z"]).run()?;
        let mut parts = output.stdout.split(|&b| b == 0);
        let mut settings = Vec::new();
        while let (Some(scope), Some(line)) = (parts.next(), parts.next()) {
            let mut sides = line.splitn(2, |&b| b == b'\n').map(|side| path_of(side).into_os_string());
            let key = sides.next().unwrap_or_default();
            settings.push(Setting { own: scope == b"local" || scope == b"worktree", key, value: sides.next() });
        }
        Ok(Self(settings))
    }

    /// Keys and values that the repository itself sets.
    pub fn own(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        let own = self.0.iter().filter(|setting| setting.own);
        own.map(|setting| (setting.key.as_os_str(), setting.value.as_deref().unwrap_or_default()))
    }

    /// A boolean; none when it is not set or is none. `key` is given in lower case.
    pub fn flag(&self, key: &str) -> Option<bool> {
        let Some(value) = &self.last(key)?.value else { return Some(true) };
        let value = value.to_str()?.to_ascii_lowercase();
        match value.as_str() {
            "true" | "yes" | "on" => Some(true),
            "false" | "no" | "off" | "" => Some(false),
            number => number.parse::<i64>().ok().map(|number| number != 0),
        }
    }

    /// A value in lower case, empty when there is none. `key` is given in lower case.
    pub fn word(&self, key: &str) -> String {
        let value = self.last(key).and_then(|setting| setting.value.as_deref()?.to_str());
        value.unwrap_or_default().to_ascii_lowercase()
    }

    fn last(&self, key: &str) -> Option<&Setting> {
        self.0.iter().rev().find(|setting| setting.key.to_str().is_some_and(|found| found.eq_ignore_ascii_case(key)))
    }

    /// Settings that leave the commands of the repository's own configuration without effect. The person's own
    /// (global) ones stand: a large-file filter is needed to store what git would store.
    pub fn disarmed(&self) -> Vec<(OsString, OsString)> {
        let mut settings: Vec<(OsString, OsString)> = vec![("commit.gpgSign".into(), "false".into())];
        for (key, _) in self.own() {
            let low = key.to_string_lossy().to_ascii_lowercase();
            let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| low.ends_with(suffix));
            if low.starts_with("filter.") && ends(&[".clean", ".smudge", ".process"]) {
                settings.push((key.to_owned(), "".into()));
            } else if low.starts_with("merge.") && ends(&[".driver"]) {
                // An empty driver is an error to git; "false" is a conflict, which a person sees.
                settings.push((key.to_owned(), "false".into()));
            }
        }
        settings
    }

    /// The same for reads, where a filter that must run need not.
    pub fn disarmed_for_reading(&self) -> Vec<(OsString, OsString)> {
        let mut settings = self.disarmed();
        let filters: Vec<_> = settings.iter().filter_map(|(key, _)| key.to_str()?.rsplit_once('.')).collect();
        let optional: Vec<_> =
            filters.iter().map(|(name, _)| (format!("{name}.required").into(), "false".into())).collect();
        settings.extend(optional);
        settings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(entries: &[(&str, Option<&str>)]) -> Settings {
        let setting = |(key, value): &(&str, Option<&str>)| Setting {
            own: true,
            key: key.into(),
            value: value.map(OsString::from),
        };
        Settings(entries.iter().map(setting).collect())
    }

    #[test]
    fn flags_are_read_as_git_reads_them() {
        let found = |value| settings(&[("core.filemode", value)]).flag("core.filemode");
        for yes in [None, Some("true"), Some("YES"), Some("on"), Some("1"), Some("2")] {
            assert_eq!(found(yes), Some(true), "{yes:?}");
        }
        for no in [Some("false"), Some("No"), Some("off"), Some("0"), Some("")] {
            assert_eq!(found(no), Some(false), "{no:?}");
        }
        assert_eq!(found(Some("maybe")), None);
        assert_eq!(settings(&[]).flag("core.filemode"), None);
    }

    #[test]
    fn the_last_one_counts_and_filters_are_disarmed() {
        let all = settings(&[
            ("core.autocrlf", Some("true")),
            ("filter.Big.clean", Some("run me")),
            ("merge.mine.driver", Some("run me")),
            ("core.autocrlf", Some("Input")),
        ]);
        assert_eq!(all.word("core.autocrlf"), "input");
        let disarmed: Vec<_> = all.disarmed_for_reading();
        for (key, value) in [("filter.Big.clean", ""), ("merge.mine.driver", "false"), ("filter.Big.required", "false")]
        {
            assert!(disarmed.iter().any(|(k, v)| k == key && v == value), "{key}: {disarmed:?}");
        }
    }
}
