//! What the browser sends from «Nuevo cobro» and «Nuevo pago», row by row in parallel lists.

use std::collections::HashSet;

use acuse_domain::payment::{MOST_ALLOCATIONS, MOST_LINES, Method, MethodChoice};
use acuse_domain::text;
use serde::Deserialize;

use super::draft::{Draft, DraftLine, Share};

/// Characters of a form's key: ours are UUIDs.
pub const LONGEST_KEY: usize = 64;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Typed {
    pub accion: String,
    /// The number of the row whose × was pressed.
    pub quitar: Option<usize>,
    clave: String,
    persona_id: String,
    /// For whom the form was drawn.
    persona_antes: String,
    persona: String,
    /// Chosen from the list that stands in for the type-ahead.
    elegida: String,
    fecha: String,
    forma: Vec<String>,
    cuenta: Vec<String>,
    numero: Vec<String>,
    fecha_forma: Vec<String>,
    valor: Vec<String>,
    /// What the form itself had put into each `valor`.
    propuesto: Vec<String>,
    anticipo: Vec<String>,
    documento: Vec<String>,
    doc: Vec<String>,
    /// Documents that were ticked when the page was drawn.
    marcados: Vec<String>,
    /// Something was ticked before this page was drawn.
    hubo_documentos: String,
    abono: Vec<String>,
    descripcion: String,
    notificar: Option<String>,
    para: String,
    editar_para: String,
    /// Keys of the doubts that were answered with «Así es».
    respondida: Vec<String>,
    /// «¿1.500,00 o 1,50?», answered: `valor-1=1.500,00`.
    elegido: String,
    /// Somebody of the other side who is to be of this one too.
    pub tambien: String,
    /// What looks like a slip and was confirmed: addresses, and a date before a document's.
    asi_es: String,
    fecha_asi_es: String,
}

impl Typed {
    #[must_use]
    pub fn into_draft(mut self) -> Draft {
        self.settle_amount();
        let shares = self.shares();
        let chosen = if self.elegida.is_empty() { &self.persona_id } else { &self.elegida };
        Draft {
            contact: chosen.parse().ok(),
            drawn_for: self.persona_antes.parse().ok(),
            person: if self.elegida.is_empty() { text::one_line(&self.persona) } else { String::new() },
            // One more than there may be, so that the domain says it; what follows is not read.
            lines: (0..self.forma.len().min(MOST_LINES + 1)).map(|row| self.line(row)).collect(),
            chose_documents: !shares.is_empty() || !self.marcados.is_empty() || !self.hubo_documentos.is_empty(),
            shares,
            notify: self.notificar.is_some(),
            edits_recipients: !self.editar_para.is_empty(),
            once: text::token(text::cut(&self.clave, LONGEST_KEY)),
            confirmed: self.asi_es,
            confirmed_date: self.fecha_asi_es,
            date: self.fecha,
            description: self.descripcion,
            recipients: self.para,
            answered: self.respondida,
        }
    }

    /// What stands in the field of the person.
    #[must_use]
    pub fn person(&self) -> &str {
        self.persona.trim()
    }

    /// Writes the amount that was chosen into its field.
    fn settle_amount(&mut self) {
        let Some((field, amount)) = self.elegido.split_once('=') else { return };
        let Some((name, row)) = field.rsplit_once('-') else { return };
        let list = match name {
            "valor" => &mut self.valor,
            "abono" => &mut self.abono,
            "fecha-forma" => &mut self.fecha_forma,
            _ => return,
        };
        let row = row.parse::<usize>().ok().and_then(|row| row.checked_sub(1));
        if let Some(typed) = row.and_then(|row| list.get_mut(row)) {
            amount.clone_into(typed);
        }
    }

    fn line(&self, row: usize) -> DraftLine {
        let code = at(&self.forma, row);
        let choice = MethodChoice::parse(&code);
        let method = choice.map(|choice| choice.method).or_else(|| Method::parse(&code));
        DraftLine {
            method,
            kind: choice.and_then(|choice| choice.kind),
            account: at(&self.cuenta, row),
            reference: at(&self.numero, row),
            dated: at(&self.fecha_forma, row),
            amount: at(&self.valor, row),
            proposed: at(&self.propuesto, row),
            advance: at(&self.anticipo, row).parse().ok().filter(|_| method == Some(Method::Advance)),
        }
    }

    /// The documents that something was typed beside, or that were ticked. All others are only listed: a person may have
    /// thousands.
    fn shares(&self) -> Vec<Share> {
        let ticks: HashSet<&String> = self.doc.iter().collect();
        let earlier_ticks: HashSet<&String> = self.marcados.iter().collect();
        let share = |row: usize| {
            let id = self.documento.get(row)?;
            let ticked = ticks.contains(id);
            // Without script nothing clears the field of a tick that was taken away.
            let was_cleared = earlier_ticks.contains(id) && !ticked;
            let amount = if was_cleared { String::new() } else { at(&self.abono, row) };
            if !ticked && amount.is_empty() {
                return None;
            }
            Some(Share { document: id.trim().parse().ok()?, ticked, amount })
        };
        (0..self.documento.len()).filter_map(share).take(MOST_ALLOCATIONS + 1).collect()
    }
}

fn at(list: &[String], row: usize) -> String {
    list.get(row).map(|text| text.trim().to_owned()).unwrap_or_default()
}
