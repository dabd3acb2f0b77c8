//! What the browser sends from «Nuevo cobro» and «Nuevo pago», row by row in parallel lists.

use acuse_domain::payment::{CheckKind, Method};
use serde::Deserialize;

use super::draft::{Draft, DraftLine, Share};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Typed {
    pub accion: String,
    /// The number of the row whose × was pressed.
    pub quitar: Option<usize>,
    clave: String,
    persona_id: String,
    persona: String,
    /// Chosen from the list that stands in for the type-ahead.
    elegida: String,
    fecha: String,
    forma: Vec<String>,
    cuenta: Vec<String>,
    numero: Vec<String>,
    fecha_forma: Vec<String>,
    valor: Vec<String>,
    anticipo: Vec<String>,
    documento: Vec<String>,
    doc: Vec<String>,
    /// Documents that were ticked when the page was drawn.
    marcados: Vec<String>,
    abono: Vec<String>,
    descripcion: String,
    notificar: Option<String>,
    para: String,
    editar_para: String,
}

impl Typed {
    #[must_use]
    pub fn into_draft(self) -> Draft {
        let chosen = if self.elegida.is_empty() { &self.persona_id } else { &self.elegida };
        Draft {
            contact: chosen.parse().ok(),
            person: if self.elegida.is_empty() { self.persona.trim().to_owned() } else { String::new() },
            lines: (0..self.forma.len()).map(|row| self.line(row)).collect(),
            shares: (0..self.documento.len()).filter_map(|row| self.share(row)).collect(),
            notify: self.notificar.is_some(),
            edits_recipients: !self.editar_para.is_empty(),
            once: self.clave,
            date: self.fecha,
            description: self.descripcion,
            recipients: self.para,
        }
    }

    fn line(&self, row: usize) -> DraftLine {
        let (method, kind) = method_and_kind(&at(&self.forma, row));
        DraftLine {
            method,
            kind,
            account: at(&self.cuenta, row),
            reference: at(&self.numero, row),
            dated: at(&self.fecha_forma, row),
            amount: at(&self.valor, row),
            advance: at(&self.anticipo, row).parse().ok().filter(|_| method == Some(Method::Advance)),
        }
    }

    /// A share whose tick was taken away is empty, whatever stands in its field: without script nothing cleared it.
    fn share(&self, row: usize) -> Option<Share> {
        let id = at(&self.documento, row);
        let ticked = self.doc.contains(&id);
        let was_ticked = self.marcados.contains(&id);
        let amount = if was_ticked && !ticked { String::new() } else { at(&self.abono, row) };
        Some(Share { document: id.parse().ok()?, ticked, amount })
    }
}

/// `check:certified` is a cheque of that kind.
fn method_and_kind(option: &str) -> (Option<Method>, Option<CheckKind>) {
    let (method, kind) = option.split_once(':').unwrap_or((option, ""));
    (Method::parse(method), CheckKind::parse(kind))
}

fn at(list: &[String], row: usize) -> String {
    list.get(row).map(|text| text.trim().to_owned()).unwrap_or_default()
}
