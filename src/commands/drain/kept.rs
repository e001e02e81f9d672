//! State files: what was before, written before it is closed and removed when it is open again, so that a run that is killed leaves
//! behind what is needed to open it. One file for each database or role, `$XDG_STATE_HOME/pgconn/drain-….json`, mode 0600.

use std::env;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::analyze::fence::Fence;
use crate::model::closable::{Closable, RoleAccess};
use crate::model::database::{DatabaseAccess, Grant};

/// The version of the files; one that this program does not know is left alone.
const FORMAT: i64 = 1;
/// How every file's name begins.
const PREFIX: &str = "drain-";

/// What a state file says.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    file: PathBuf,
    /// The cluster's number, where that could be known.
    system_identifier: Option<String>,
    /// Where the cluster was reached.
    place: String,
    /// How it was closed.
    pub(super) fence: Fence,
    /// As it was.
    pub(super) closable: Closable,
}

/// The state files that there are.
#[derive(Debug, Default)]
pub(super) struct AllKept {
    /// Those that can be read.
    pub(super) kept: Vec<Kept>,
    /// Those that cannot, with why.
    pub(super) unreadable: Vec<(PathBuf, String)>,
}

impl Kept {
    /// What is to be written of `closable`, which `fence` closes on this server.
    ///
    /// # Errors
    /// When there is no folder for it.
    pub(super) fn new(
        (system_identifier, place): (Option<&str>, &str),
        fence: Fence,
        closable: &Closable,
    ) -> io::Result<Self> {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let server = system_identifier.map_or_else(|| place.chars().map(plain).collect(), str::to_owned);
        let name = format!("{PREFIX}{server}-{}-{}.json", closable.kind().word(), closable.oid());
        Ok(Self {
            file: folder()?.join(name),
            system_identifier: system_identifier.map(str::to_owned),
            place: place.to_owned(),
            fence,
            closable: closable.clone(),
        })
    }

    /// Writes it, so that it outlives a loss of power. There is never a file that is not whole.
    ///
    /// # Errors
    /// When there is such a file already (`AlreadyExists`), and when it cannot be written.
    pub(super) fn write(&self) -> io::Result<()> {
        let folder = self.file.parent().unwrap_or(Path::new("."));
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let draft = self.file.with_extension(format!("{}.tmp", std::process::id()));
        let written = (|| {
            let mut file =
                OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
            file.write_all(format!("{:#}\n", self.document()).as_bytes())?;
            file.sync_all()?;
            // Unlike a rename, this replaces nothing.
            fs::hard_link(&draft, &self.file)?;
            File::open(folder)?.sync_all()
        })();
        let _ = fs::remove_file(&draft);
        written
    }

    /// Takes the file away; that it is not there is no failure.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub(super) fn remove(&self) -> io::Result<()> {
        match fs::remove_file(&self.file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Where it is.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// Whether it is about the server that is reached: the same cluster, or the same place where that is not told.
    pub(super) fn is_of(&self, (system_identifier, place): (Option<&str>, &str)) -> bool {
        match (&self.system_identifier, system_identifier) {
            (Some(known), Some(reached)) => known == reached,
            _ => self.place == place,
        }
    }

    /// The statement of it about this very database or role.
    pub(super) fn find(server: (Option<&str>, &str), closable: &Closable) -> Option<Self> {
        let is_it = |kept: &Self| {
            kept.is_of(server)
                && (kept.closable.kind(), kept.closable.oid()) == (closable.kind(), closable.oid())
        };
        all().ok()?.kept.into_iter().find(is_it)
    }

    fn document(&self) -> Value {
        let closable = match &self.closable {
            Closable::Role(role) => {
                json!({ "oid": role.oid, "name": role.name, "connection_limit": role.connection_limit })
            }
            Closable::Database(database) => {
                let grant = |grant: &Grant| {
                    json!({
                        "grantee": grant.grantee, "to_owner": grant.to_owner, "by_owner": grant.by_owner,
                        "privilege": grant.privilege, "grantable": grant.grantable,
                    })
                };
                json!({
                    "oid": database.oid, "name": database.name, "owner": database.owner,
                    "connection_limit": database.connection_limit, "allow_connections": database.allow_connections,
                    "default_grants": database.default_grants, "acl": database.acl,
                    "grants": database.grants.iter().map(grant).collect::<Vec<_>>(),
                })
            }
        };
        json!({
            "format": FORMAT, "pid": std::process::id(),
            "server": { "system_identifier": self.system_identifier, "place": self.place },
            "fence": self.fence.word(), self.closable.kind().word(): closable,
        })
    }

    fn read(file: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(file).map_err(|error| error.to_string())?;
        let document: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        if document["format"].as_i64() != Some(FORMAT) {
            return Err("it was written by another version of pgconn".into());
        }
        let server = &document["server"];
        let read = || {
            Some(Self {
                system_identifier: server["system_identifier"].as_str().map(str::to_owned),
                place: server["place"].as_str()?.to_owned(),
                fence: Fence::named(document["fence"].as_str()?)?,
                closable: closable_of(&document)?,
                file: file.to_owned(),
            })
        };
        read().ok_or_else(|| "it does not say what was before".to_owned())
    }
}

fn closable_of(document: &Value) -> Option<Closable> {
    let text = |of: &Value, key: &str| of[key].as_str().map(str::to_owned);
    let oid = |of: &Value| u32::try_from(of["oid"].as_u64()?).ok();
    let role = &document["role"];
    if role.is_object() {
        return Some(Closable::Role(RoleAccess {
            oid: oid(role)?,
            name: text(role, "name")?,
            connection_limit: role["connection_limit"].as_i64()?,
            superuser: false,
            alterable: true,
        }));
    }
    let database = &document["database"];
    let grant = |grant: &Value| {
        Some(Grant {
            grantee: text(grant, "grantee"),
            to_owner: grant["to_owner"].as_bool()?,
            by_owner: grant["by_owner"].as_bool()?,
            privilege: text(grant, "privilege")?,
            grantable: grant["grantable"].as_bool()?,
        })
    };
    Some(Closable::Database(DatabaseAccess {
        oid: oid(database)?,
        name: text(database, "name")?,
        allow_connections: database["allow_connections"].as_bool()?,
        connection_limit: database["connection_limit"].as_i64()?,
        owner: text(database, "owner")?,
        default_grants: database["default_grants"].as_bool()?,
        owned: true,
        grants: database["grants"].as_array()?.iter().map(grant).collect::<Option<_>>()?,
        acl: text(database, "acl")?,
    }))
}

/// All state files, those of other servers included; none where there is no folder.
///
/// # Errors
/// When the folder cannot be read.
pub(super) fn all() -> io::Result<AllKept> {
    let mut all = AllKept::default();
    let entries = match fs::read_dir(folder()?) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(all),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let file = entry?.path();
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        if !name.starts_with(PREFIX) || !name.ends_with(".json") {
            continue;
        }
        match Kept::read(&file) {
            Ok(kept) => all.kept.push(kept),
            Err(why) => all.unreadable.push((file, why)),
        }
    }
    Ok(all)
}

/// `$XDG_STATE_HOME/pgconn`, which is `~/.local/state/pgconn` unless it is set.
fn folder() -> io::Result<PathBuf> {
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || absolute("HOME").map(|home| home.join(".local/state"));
    let state = absolute("XDG_STATE_HOME").or_else(home);
    state.map(|state| state.join("pgconn")).ok_or_else(|| io::Error::other("HOME is not set"))
}
