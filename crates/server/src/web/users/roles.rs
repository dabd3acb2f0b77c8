//! What each role may do, drawn from the table that counts (`acuse_domain::access::HOLDERS`).

use acuse_domain::access::{Permission, Role};
use askama::Template;
use askama::filters::HtmlSafe;

/// A column of the table: who holds all of it, and who a part.
struct Column {
    name: &'static str,
    all: &'static [Permission],
    part: Option<(Permission, &'static str)>,
}

const COLUMNS: [Column; 6] = [
    Column {
        name: "Registrar",
        all: &[Permission::RecordPayments, Permission::KeepContacts, Permission::KeepDocuments],
        part: None,
    },
    Column { name: "Enviar y reenviar", all: &[Permission::SendReceipts], part: None },
    Column {
        name: "Anular",
        all: &[Permission::VoidPayments],
        part: Some((Permission::VoidOwnPayments, "Lo suyo, el mismo día")),
    },
    Column { name: "Exportar", all: &[Permission::ExportRecords], part: None },
    Column { name: "Correos", all: &[Permission::ConfigureCompany], part: Some((Permission::CheckMailAccounts, "Solo probar")) },
    Column { name: "Usuarios e integraciones", all: &[Permission::ManageUsers, Permission::ManageTokens], part: None },
];

impl Column {
    fn cell(&self, role: Role) -> &'static str {
        if self.all.iter().all(|permission| role.holds(*permission)) {
            return "Sí";
        }
        match self.part {
            Some((permission, words)) if role.holds(permission) => words,
            _ => "No",
        }
    }
}

/// Prints itself. With a choice each row has its button, and one is picked.
#[derive(Debug, Clone, Copy, Template)]
#[template(path = "users/_roles.html")]
pub struct RolesTable {
    /// In a form: the role that is picked, if one is.
    pick: Option<Option<Role>>,
}

impl HtmlSafe for RolesTable {}

impl RolesTable {
    #[must_use]
    pub const fn new(pick: Option<Option<Role>>) -> Self {
        Self { pick }
    }

    fn names(&self) -> [&'static str; 6] {
        COLUMNS.map(|column| column.name)
    }

    fn is_picked(&self, role: &Role) -> bool {
        self.pick == Some(Some(*role))
    }

    fn cells(&self, role: &Role) -> [(&'static str, &'static str); 6] {
        COLUMNS.map(|column| (column.name, column.cell(*role)))
    }

    fn who(&self, role: &Role) -> &'static str {
        match role {
            Role::Owner => "dueño, gerente",
            Role::Accountant => "quien lleva los libros",
            Role::Assistant => "registra y avisa al cliente",
            Role::Clerk => "caja, bodega",
            Role::Viewer => "auditor, socio",
        }
    }
}

#[cfg(test)]
mod tests {
    use acuse_domain::access::HOLDERS;

    use super::*;

    #[test]
    fn each_cell_says_what_the_table_of_permissions_says() {
        for column in COLUMNS {
            for role in Role::ALL {
                let holds =
                    |permission: &Permission| HOLDERS.iter().any(|(held, roles)| held == permission && roles.contains(&role));
                let expected = match column.part {
                    _ if column.all.iter().all(holds) => "Sí",
                    Some((permission, words)) if holds(&permission) => words,
                    _ => "No",
                };
                assert_eq!(column.cell(role), expected, "{} of {role:?}", column.name);
            }
        }
        let row = |role| COLUMNS.map(|column| column.cell(role));
        assert_eq!(row(Role::Assistant), ["Sí", "Sí", "Lo suyo, el mismo día", "Sí", "No", "No"]);
        assert_eq!(row(Role::Clerk), ["Sí", "No", "No", "No", "No", "No"]);
        assert_eq!(row(Role::Accountant)[4], "Solo probar");
        assert_eq!(row(Role::Owner), ["Sí"; 6]);
    }
}
