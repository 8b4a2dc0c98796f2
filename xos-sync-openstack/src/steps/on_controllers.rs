//! What the steps have in common whose rows stand for a thing on one controller.

use std::collections::HashMap;

use async_trait::async_trait;
use xos_sync_core::{
    Context, Id, Model, Pending, Row, StepError,
    models::{
        Controller, ControllerImage, ControllerSite, ControllerSitePrivilege, ControllerSlice,
        ControllerSlicePrivilege, ControllerUser, Image, Site, SitePrivilege, Slice,
        SlicePrivilege, User,
    },
};

use super::live::{Live, is_news};
use super::scope::{controllers, first_error, list, rows};

/// A row that stands for a thing on one controller.
pub(super) trait OnController: Model {
    /// What it stands for.
    type Thing: Model;

    fn controller(&self) -> Id<Controller>;

    fn thing(&self) -> Id<Self::Thing>;

    /// What the thing, or the role that is granted, is called on the controller.
    fn id_there(&self) -> Option<&str>;

    fn set_id_there(&mut self, id: String);
}

macro_rules! on_controllers {
    ($($row:ident: $thing:ident as $column:ident is $there:ident,)*) => {$(
        impl OnController for $row {
            type Thing = $thing;

            fn controller(&self) -> Id<Controller> {
                self.controller_id
            }

            fn thing(&self) -> Id<$thing> {
                self.$column
            }

            fn id_there(&self) -> Option<&str> {
                self.$there.as_deref()
            }

            fn set_id_there(&mut self, id: String) {
                self.$there = Some(id);
            }
        }
    )*};
}

on_controllers! {
    ControllerImage: Image as image_id is glance_image_id,
    ControllerSite: Site as site_id is tenant_id,
    ControllerSitePrivilege: SitePrivilege as site_privilege_id is role_id,
    ControllerSlice: Slice as slice_id is tenant_id,
    ControllerSlicePrivilege: SlicePrivilege as slice_privilege_id is role_id,
    ControllerUser: User as user_id is kuser_id,
}

/// Records at once what the thing is called on the controller, unless that is known.
pub(super) async fn record<M: OnController>(
    cx: &Context,
    row: &mut Row<M>,
    id: &str,
) -> Result<(), StepError> {
    if row.id_there() == Some(id) {
        return Ok(());
    }
    row.set_id_there(id.to_owned());
    cx.save(row).await?;
    Ok(())
}

/// A step that lists what is on controllers.
#[async_trait]
pub(super) trait Look<M: OnController>: Sync {
    /// Tells of rows of one controller that are not as they were left.
    async fn look(
        &self,
        cx: &Context,
        controller: Id<Controller>,
        pending: &mut Pending<M>,
    ) -> Result<(), StepError>;

    /// Looks at each controller. One that is down does not keep the others from being looked at.
    async fn look_at_all(&self, cx: &Context, pending: &mut Pending<M>) -> Result<(), StepError> {
        let mut errors = Vec::new();
        for controller in controllers(cx).await? {
            errors.extend(self.look(cx, controller.id, pending).await.err());
        }
        first_error(errors)
    }
}

/// Tells of the rows of one controller that are not as they were left, by what was listed of it.
pub(super) async fn tell<M: OnController>(
    cx: &Context,
    controller: Id<Controller>,
    pending: &mut Pending<M>,
    is_settled: impl Fn(&Row<M>, &Row<M::Thing>) -> bool + Send,
) -> Result<(), StepError> {
    let mut live = Live::<M>::of(controller);
    while let Some(page) = live.next(cx).await? {
        let things = format!("id IN ({})", list(page.iter().map(|row| row.thing())));
        let things = rows::<M::Thing>(cx, things).await?;
        let things: HashMap<_, _> =
            things.into_iter().map(|thing| (thing.id().raw(), thing)).collect();
        let news = |row: &&Row<M>| {
            let thing = things.get(&row.thing().raw());
            is_news(row.bookkeeping(), thing.is_some_and(|thing| is_settled(row, thing)))
        };
        pending.sync_again(page.iter().filter(news).map(|row| row.id())).await?;
    }
    Ok(())
}
