//! An author's own `reqwest::Client::new()`, which the program's backend makes.

use crate::{
    databases::{code, errors, on_each_engine},
    tests,
};

tests![an_authors_own_client_finds_a_crypto_provider];

fn an_authors_own_client_finds_a_crypto_provider() {
    on_each_engine(|database| {
        database.lamp("lamp", "");
        let done = database.run(&["run", "--once"]);
        assert_eq!(code(&done), 0, "{}", errors(&done));
    });
}
