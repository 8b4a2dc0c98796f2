//! Names that the bookkeeping beside the table uses are free for the author's columns.
#![deny(missing_docs, warnings)]

use xos_sync_core::{Id, Model, model};

/// A parcel.
#[model(table = parcels, unique(uid))]
pub struct Parcel {
    /// Its key, by the name that the struct has inside itself.
    pub id: Id<Self>,
    /// What the sender calls it.
    pub uid: String,
    /// When it was packed, as the sender writes it.
    pub created: String,
    /// Who changed it last.
    pub updated: Option<String>,
    /// Whether the receiver threw it away.
    #[default(false)]
    pub deleted: bool,
    /// Which law was enacted for it.
    #[label]
    pub enacted: String,
    /// The steps up to the door.
    #[default(0)]
    pub step: i32,
    /// How often it was brought.
    #[default(0)]
    pub attempts: i32,
    /// Another system's key.
    pub sync_id: Option<i64>,
    /// Another system's object.
    pub object_id: Option<i64>,
    /// What the backend says.
    #[backend]
    pub backend_status: Option<String>,
    /// A word of the framework's before.
    pub bookkeeping: Option<String>,
}

fn main() {
    let new = NewParcel { deleted: true, ..NewParcel::new("u", "today", "law") };
    assert_eq!((new.uid.as_str(), new.sync_id), ("u", None));
    let names: Vec<_> = Parcel::INFO.columns.iter().map(|column| column.name).collect();
    assert_eq!(
        names,
        [
            "uid", "created", "updated", "deleted", "enacted", "step", "attempts", "sync_id",
            "object_id", "backend_status", "bookkeeping",
        ]
    );
    let parcel = Parcel {
        id: Id::new(7),
        uid: new.uid,
        created: new.created,
        updated: None,
        deleted: new.deleted,
        enacted: new.enacted,
        step: 0,
        attempts: 0,
        sync_id: None,
        object_id: None,
        backend_status: None,
        bookkeeping: None,
    };
    assert_eq!((parcel.id().raw(), parcel.label()), (7, "law".to_owned()));
}
