use xos_sync_core::{Id, model};

#[model(table = farms_of_the_first_and_the_second_and_the_third_kind)]
pub struct Farm {
    /// Its key.
    pub id: Id<Farm>,
    pub what_somebody_would_say_of_this_farm_if_they_were_asked_about_it: String,
}

fn main() {}
