//! What a command wrote is in the database file when it has ended: who copies or moves that file alone has everything.

use std::fs;

use crate::installation::Installation;

const OTHER_RUC: &str = "1790012344002";

#[test]
fn no_command_leaves_a_log_behind_that_holds_anything() {
    let installation = Installation::new();
    let mut log = installation.database().into_os_string();
    log.push("-wal");
    let expect_none = |after: &[&str]| {
        let left = fs::metadata(&log).map_or(0, |log| log.len());
        assert_eq!(left, 0, "after {after:?}");
    };
    expect_none(&["company create", "user create", "token create"]);
    let eva = ["--email", "eva@cotopaxi.ec"];
    let commands: [(&[&str], &str); 12] = [
        (&["company", "create", "--ruc", OTHER_RUC, "--name", "Otra"], ""),
        (&["company", "create", "--ruc", OTHER_RUC, "--name", "La misma"], ""),
        (&["company", "list"], ""),
        (&["user", "create", eva[0], eva[1], "--company", OTHER_RUC], "una clave larga"),
        (&["user", "password", eva[0], eva[1]], "otra clave larga"),
        (&["user", "password", "--email", "nadie@cotopaxi.ec"], "otra clave larga"),
        (&["user", "logout", eva[0], eva[1]], ""),
        (&["token", "create", "--company", OTHER_RUC, "--name", "Tienda"], ""),
        (&["token", "revoke", "--company", OTHER_RUC, "--name", "Tienda"], ""),
        (&["migrate"], ""),
        (&["doctor"], ""),
        (&["backup", "copia.db"], ""),
    ];
    for (command, input) in commands {
        installation.run(command, input);
        expect_none(command);
    }
}
