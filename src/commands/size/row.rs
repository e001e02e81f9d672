//! A row of `size` for scripts.

use crate::render::columns::{Column, Value};

/// What scripts get: everything that has a name and a value, in one list.
pub(super) struct Row<'a> {
    list: &'static str,
    name: Value<'a>,
    value: Value<'a>,
    detail: Value<'a>,
}

impl<'a> Row<'a> {
    /// What is told of each.
    pub(super) const COLUMNS: &'a [Column<Self>] = &[
        Column::script("list", |row| row.list.into()),
        Column::script("name", |row| row.name.clone()),
        Column::script("value", |row| row.value.clone()),
        Column::script("detail", |row| row.detail.clone()),
    ];

    /// What `list` has under `name`.
    pub(super) fn new(
        list: &'static str,
        name: impl Into<Value<'a>>,
        value: impl Into<Value<'a>>,
        detail: impl Into<Value<'a>>,
    ) -> Self {
        Self { list, name: name.into(), value: value.into(), detail: detail.into() }
    }
}
