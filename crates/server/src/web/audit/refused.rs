//! What somebody was not let do, in words: an entry keeps its method and path.

/// What a path is for, as it goes on after «Quiso»; `*` is whatever stands there. The first row that fits says it.
const PAGES: [(&str, &str); 55] = [
    ("/personas/nueva", "agregar una persona"),
    ("/personas/*/modificar", "modificar una persona"),
    ("/documentos/nuevo", "registrar un documento"),
    ("/envios", "reintentar, anular o dar por resueltos unos envíos"),
    ("/demo/buzon", "vaciar el buzón de prueba"),
    ("/cobros/nuevo", "registrar un cobro"),
    ("/cobros/*/reenviar", "reenviar el recibo de un cobro"),
    ("/cobros/*/anular", "anular un cobro"),
    ("/cobros/*/envios/*/corregir", "corregir un envío y mandarlo otra vez"),
    ("/cobros/*/envios/*/reintentar", "reintentar un envío"),
    ("/cobros/*/envios/*/anular", "anular un envío"),
    ("/cobros/*/envios/*/resolver", "dar por resuelto un envío"),
    ("/pagos/nuevo", "registrar un pago"),
    ("/pagos/*/reenviar", "reenviar el recibo de un pago"),
    ("/pagos/*/anular", "anular un pago"),
    ("/pagos/*/envios/*/corregir", "corregir un envío y mandarlo otra vez"),
    ("/pagos/*/envios/*/reintentar", "reintentar un envío"),
    ("/pagos/*/envios/*/anular", "anular un envío"),
    ("/pagos/*/envios/*/resolver", "dar por resuelto un envío"),
    ("/mi-compania/datos", "cambiar los datos de la compañía"),
    ("/mi-compania/logo", "cambiar el logo"),
    ("/mi-compania/logo/quitar", "quitar el logo"),
    ("/mi-compania/historial", "ver el historial"),
    ("/mi-compania/historial.csv", "exportar el historial"),
    ("/mi-compania/usuarios", "ver los usuarios"),
    ("/mi-compania/usuarios/invitar", "invitar a una persona"),
    ("/mi-compania/usuarios/invitaciones/*/reenviar", "reenviar una invitación"),
    ("/mi-compania/usuarios/invitaciones/*/retirar", "retirar una invitación"),
    ("/mi-compania/usuarios/*/quitar", "quitar a una persona"),
    ("/mi-compania/usuarios/*/clave", "pedir un enlace de contraseña para otra persona"),
    ("/mi-compania/usuarios/*", "cambiar el rol de una persona"),
    ("/mi-compania/segundo-paso", "cambiar a quién se pide el segundo paso"),
    ("/mi-compania/exportar", "exportar todo lo de la compañía"),
    ("/mi-compania/archivar", "archivar la compañía"),
    ("/mi-compania/reabrir", "reabrir la compañía"),
    ("/mi-compania/eliminar", "eliminar la compañía"),
    ("/mi-compania/eliminar/cancelar", "cancelar la eliminación de la compañía"),
    ("/mi-compania/eliminar/confirmar", "confirmar la eliminación de la compañía"),
    ("/mi-compania/correos", "agregar una cuenta de correo"),
    ("/mi-compania/correos/nueva", "agregar una cuenta de correo"),
    ("/mi-compania/correos/si-falla", "cambiar qué pasa si una cuenta falla"),
    ("/mi-compania/correos/conectar/*", "conectar una cuenta de correo"),
    ("/mi-compania/correos/oauth/*", "conectar una cuenta de correo"),
    ("/mi-compania/correos/oauth/*/confirmar", "conectar una cuenta de correo"),
    ("/mi-compania/correos/*/conectar", "conectar una cuenta de correo"),
    ("/mi-compania/correos/*/probar", "probar una cuenta de correo"),
    ("/mi-compania/correos/*/predeterminado", "enviar con el correo predeterminado lo que espera"),
    ("/mi-compania/correos/*/desactivar", "desactivar una cuenta de correo"),
    ("/mi-compania/correos/*/activar", "activar una cuenta de correo"),
    ("/mi-compania/correos/*/eliminar", "eliminar una cuenta de correo"),
    ("/mi-compania/correos/*/dominio", "cambiar la firma de un dominio"),
    ("/mi-compania/correos/*", "cambiar una cuenta de correo"),
    ("/mi-compania/integraciones/nuevo", "crear un token"),
    ("/mi-compania/integraciones/*/revocar", "revocar un token"),
    ("/mi-compania/integraciones", "ver los tokens"),
];

/// The same of the calls of the API, by their method.
const CALLS: [(&str, &str, &str); 37] = [
    ("GET", "/api/v1/company", "leer los datos de la compañía"),
    ("PATCH", "/api/v1/company", "cambiar los datos de la compañía"),
    ("GET", "/api/v1/contacts", "leer las personas"),
    ("POST", "/api/v1/contacts", "agregar una persona"),
    ("GET", "/api/v1/contacts/*", "leer una persona"),
    ("PATCH", "/api/v1/contacts/*", "modificar una persona"),
    ("GET", "/api/v1/documents", "leer los documentos"),
    ("POST", "/api/v1/documents", "registrar un documento"),
    ("GET", "/api/v1/documents/*", "leer un documento"),
    ("GET", "/api/v1/payments", "leer los cobros y pagos"),
    ("POST", "/api/v1/payments", "registrar un cobro o un pago"),
    ("GET", "/api/v1/payments/*", "leer un cobro o un pago"),
    ("POST", "/api/v1/payments/*/void", "anular un cobro o un pago"),
    ("GET", "/api/v1/payments/*/receipt.pdf", "descargar un recibo"),
    ("GET", "/api/v1/payments/*/deliveries", "leer los envíos de un recibo"),
    ("POST", "/api/v1/payments/*/deliveries", "enviar un recibo"),
    ("GET", "/api/v1/deliveries", "leer los envíos"),
    ("GET", "/api/v1/deliveries/*", "leer un envío"),
    ("POST", "/api/v1/deliveries/*/retry", "reintentar un envío"),
    ("POST", "/api/v1/deliveries/*/cancel", "anular un envío"),
    ("POST", "/api/v1/deliveries/*/resolve", "dar por resuelto un envío"),
    ("GET", "/api/v1/mail-accounts", "leer las cuentas de correo"),
    ("POST", "/api/v1/mail-accounts", "agregar una cuenta de correo"),
    ("POST", "/api/v1/mail-accounts/check", "probar una cuenta de correo"),
    ("POST", "/api/v1/mail-accounts/discover", "buscar el servidor de un correo"),
    ("POST", "/api/v1/mail-accounts/*/check", "probar una cuenta de correo"),
    ("GET", "/api/v1/mail-accounts/*/domain", "leer cómo está un dominio"),
    ("GET", "/api/v1/mail-accounts/*/dkim", "leer las claves de firma de un dominio"),
    ("POST", "/api/v1/mail-accounts/*/dkim", "crear una clave de firma"),
    ("DELETE", "/api/v1/mail-accounts/*/dkim", "borrar las claves de firma"),
    ("POST", "/api/v1/mail-accounts/*/dkim/check", "comprobar la firma de un dominio"),
    ("POST", "/api/v1/mail-accounts/*/dkim/stop", "dejar de firmar el correo"),
    ("GET", "/api/v1/mail-accounts/*", "leer una cuenta de correo"),
    ("PATCH", "/api/v1/mail-accounts/*", "cambiar una cuenta de correo"),
    ("DELETE", "/api/v1/mail-accounts/*", "eliminar una cuenta de correo"),
    ("GET", "/api/v1/mail-routes", "leer por dónde sale el correo"),
    ("PATCH", "/api/v1/mail-routes", "cambiar qué pasa si una cuenta falla"),
];

/// Of what no row says.
pub const ANYTHING: &str = "hacer algo";
pub const BY_API: &str = ", por la API";

/// What `noted` was for: `GET /mi-compania/usuarios` → «ver los usuarios».
#[must_use]
pub fn in_words(noted: &str) -> String {
    let (method, path) = noted.split_once(' ').unwrap_or_default();
    match CALLS.iter().find(|(own, pattern, _)| *own == method && fits(pattern, path)) {
        Some((.., words)) => format!("{words}{BY_API}"),
        None => PAGES.iter().find(|(pattern, _)| fits(pattern, path)).map_or(ANYTHING, |(_, words)| words).to_owned(),
    }
}

fn fits(pattern: &str, path: &str) -> bool {
    let (mut own, mut asked) = (pattern.split('/'), path.split('/'));
    own.by_ref().all(|part| asked.next().is_some_and(|asked| part == "*" || part == asked)) && asked.next().is_none()
}

/// What was noted of the refusals whose words pass, as patterns of LIKE.
pub fn noted_of(is_meant: impl Fn(&str) -> bool) -> Vec<String> {
    let pages = PAGES.iter().filter(|(_, words)| is_meant(words)).map(|(path, _)| format!("% {}", path.replace('*', "%")));
    let is_by_api = is_meant(BY_API);
    let calls = CALLS.iter().filter(|(.., words)| is_by_api || is_meant(words));
    pages.chain(calls.map(|(method, path, _)| format!("{method} {}", path.replace('*', "%")))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_act_is_told_from_another_of_the_same_beginning() {
        assert_eq!(in_words("GET /mi-compania/usuarios"), "ver los usuarios");
        assert_eq!(in_words("POST /mi-compania/usuarios/0190/quitar"), "quitar a una persona");
        assert_eq!(in_words("POST /mi-compania/usuarios/0190"), "cambiar el rol de una persona");
        assert_eq!(in_words("POST /api/v1/payments"), "registrar un cobro o un pago, por la API");
        assert_eq!((in_words("GET /"), in_words("")), (ANYTHING.to_owned(), ANYTHING.to_owned()));
        assert_eq!(noted_of(|words| words.contains("historial")), ["% /mi-compania/historial", "% /mi-compania/historial.csv"]);
    }
}
