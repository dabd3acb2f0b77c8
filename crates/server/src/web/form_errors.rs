//! What a refused form says: a list on top that leads to each field, and the words under the field.

use acuse_domain::input::Errors;
use acuse_domain::message::Message;
use askama::Template;
use askama::filters::{HtmlSafe, Safe};

use crate::web::filters;

/// Printed by `{{ errors }}` above the form; nothing while it is empty. It takes the focus when the page comes back.
///
/// ```html
/// {{ errors }}
/// <input class="form-control{{ errors.class("numero-2") }}" id="numero-2" … {{ errors.attributes("numero-2") }}>{{ errors.under("numero-2") }}
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Template)]
#[template(path = "_errors.html")]
pub struct FormErrors {
    list: Vec<FieldError>,
    occasion: Occasion,
    kept: Kept,
    /// What was confirmed of this form before, as its hidden field `asi_es` carries it.
    confirmed: String,
}

/// What was going on when they were found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Occasion {
    #[default]
    Saving,
    /// Probar, which saves nothing.
    Trying,
    /// Nothing was sent: what is kept cannot be read.
    Opening,
}

/// What of the form is there as it was typed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Kept {
    #[default]
    TheRest,
    ButPasswords,
    Nothing,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct FieldError {
    /// The `id` of its field; empty for what concerns the whole form.
    field: String,
    message: String,
    /// The same where there is little room.
    short: Option<String>,
    /// Values of which one was meant: each is a button.
    choices: Vec<String>,
    /// It may be right all the same: «Corregir» and «Así es» stand under it. What the question is about, and the `accion` that
    /// either answer goes on with: `fecha guardar`.
    answers: Option<String>,
}

impl HtmlSafe for FormErrors {}

impl FormErrors {
    /// Of an input; `id` is the form's own name of a field.
    pub fn of_input<F>(errors: Errors<F>, id: impl Fn(F) -> &'static str) -> Self {
        let mut form = Self::default();
        for (field, message) in errors {
            form.say(id(field), message);
        }
        form
    }

    /// `field` is the `id` of the input; `message` a whole sentence, since it also stands alone in the list on top.
    pub fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        let (field, message) = (field.into(), message.into());
        self.list.push(FieldError { field, message, short: None, choices: Vec::new(), answers: None });
    }

    /// The same by the table of messages. A choice that it offers comes back as `elegido`: `valor-1=1.500,00`.
    pub fn say(&mut self, field: impl Into<String>, message: Message) {
        let (short, choices) = (message.short(), message.choices());
        self.list.push(FieldError { field: field.into(), message: message.into(), short, choices, answers: None });
    }

    /// Notes why there is no value.
    pub fn keep<T>(&mut self, field: impl Into<String>, read: Result<T, Message>) -> Option<T> {
        read.map_err(|message| self.say(field, message)).ok()
    }

    /// What looks like a slip and may be right: slips.rs reads the answer.
    pub fn doubt(&mut self, field: impl Into<String>, message: impl Into<String>, answers: impl Into<String>) {
        let answers = Some(answers.into());
        let (field, message, choices) = (field.into(), message.into(), Vec::new());
        self.list.push(FieldError { field, message, short: None, choices, answers });
    }

    /// The form remembers it, so that it is not asked again.
    pub fn remember(&mut self, confirmed: String) {
        self.confirmed = confirmed;
    }

    /// The hidden field that every form with doubts carries.
    #[must_use]
    pub fn remembered(&self) -> Remembered<'_> {
        Remembered { confirmed: &self.confirmed }
    }

    /// Of a form whose Probar was pressed.
    #[must_use]
    pub fn at_probar(self) -> Self {
        Self { occasion: Occasion::Trying, ..self }
    }

    /// Of a form that has a password in it: no page brings one back.
    #[must_use]
    pub fn but_passwords(self) -> Self {
        Self { kept: Kept::ButPasswords, ..self }
    }

    /// Of a form that is all passwords and codes.
    #[must_use]
    pub fn of_secrets(self) -> Self {
        Self { kept: Kept::Nothing, ..self }
    }

    /// Of a form that nobody has sent yet.
    #[must_use]
    pub fn at_opening(self) -> Self {
        Self { occasion: Occasion::Opening, ..self }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    #[must_use]
    pub fn of(&self, field: &str) -> Option<&str> {
        self.list.iter().find(|error| error.field == field).map(|error| error.message.as_str())
    }

    #[must_use]
    pub fn class(&self, field: &str) -> &'static str {
        if self.of(field).is_some() { " is-invalid" } else { "" }
    }

    /// Ties the field to the words under it. Leave out the field's own `aria-describedby` while it has an error.
    #[must_use]
    pub fn attributes(&self, field: &str) -> Safe<String> {
        Safe(self.of(field).map(|_| format!(r#"aria-invalid="true" aria-describedby="{field}-error""#)).unwrap_or_default())
    }

    #[must_use]
    pub fn under(&self, field: &str) -> UnderField<'_> {
        let error = self.list.iter().find(|error| error.field == field);
        UnderField {
            field: field.to_owned(),
            message: self.of(field),
            choices: error.map_or(&[][..], |error| &error.choices),
            answers: error.and_then(|error| error.answers.as_deref()),
        }
    }

    /// In a table's cell.
    #[must_use]
    pub fn under_short(&self, field: &str) -> UnderCell<'_> {
        UnderCell { error: self.list.iter().find(|error| error.field == field) }
    }

    fn title(&self) -> String {
        let doubts = self.list.iter().filter(|error| error.answers.is_some()).count();
        match (self.occasion, self.list.len()) {
            (Occasion::Saving, 1) if doubts == 1 => "No se guardó: hay 1 dato por confirmar".to_owned(),
            (Occasion::Saving, n) if doubts == n => format!("No se guardó: hay {n} datos por confirmar"),
            (Occasion::Trying, 1) if doubts == 1 => "No se probó: hay 1 dato por confirmar".to_owned(),
            (Occasion::Trying, n) if doubts == n => format!("No se probó: hay {n} datos por confirmar"),
            (Occasion::Saving, 1) => "No se guardó: hay 1 dato por corregir".to_owned(),
            (Occasion::Saving, n) => format!("No se guardó: hay {n} datos por corregir"),
            (Occasion::Trying, 1) => "No se probó: hay 1 dato por corregir".to_owned(),
            (Occasion::Trying, n) => format!("No se probó: hay {n} datos por corregir"),
            (Occasion::Opening, 1) => "Hay 1 dato guardado que no se puede leer".to_owned(),
            (Occasion::Opening, n) => format!("Hay {n} datos guardados que no se pueden leer"),
        }
    }

    const fn advice(&self) -> &'static str {
        match (self.occasion, self.kept) {
            (Occasion::Opening, _) => "Escríbalo de nuevo y guarde.",
            (_, Kept::TheRest) => "Lo demás está como usted lo escribió.",
            (_, Kept::ButPasswords) => "Lo demás está como usted lo escribió, menos la contraseña: escríbala otra vez.",
            (_, Kept::Nothing) => "No se muestra lo que escribió: escríbalo otra vez.",
        }
    }
}

#[derive(Debug, Template)]
#[template(
    ext = "html",
    source = r#"{% if let Some(message) = message %}<span class="invalid-feedback" id="{{ field }}-error">{{ "alert-octagon"|ico }}<span>{{ message }}{% for choice in choices %} <button class="btn-link-inline" type="submit" name="elegido" value="{{ field }}={{ choice }}" data-pick="{{ choice }}">{{ choice }}</button>{% endfor %}</span></span>{% if let Some(asked) = answers %}<span class="ac-answers"><button class="btn btn-secondary btn-sm" type="submit" name="accion" value="corregir {{ asked }}" formnovalidate>Corregir</button><button class="btn btn-secondary btn-sm" type="submit" name="accion" value="asi-es {{ asked }}" formnovalidate>Así es</button></span>{% endif %}{% endif %}"#
)]
pub struct UnderField<'a> {
    field: String,
    message: Option<&'a str>,
    choices: &'a [String],
    answers: Option<&'a str>,
}

#[derive(Debug, Template)]
#[template(
    ext = "html",
    source = r#"{% if let Some(error) = error %}<span class="invalid-feedback" id="{{ error.field }}-error"><span>{% if error.choices.is_empty() %}{% if let Some(short) = error.short %}{{ short }}{% else %}{{ error.message }}{% endif %}{% else %}¿{% for choice in error.choices %}{% if !loop.first %} o {% endif %}<button class="btn-link-inline" type="submit" name="elegido" value="{{ error.field }}={{ choice }}" data-pick="{{ choice }}">{{ choice }}</button>{% endfor %}?{% endif %}</span></span>{% endif %}"#
)]
pub struct UnderCell<'a> {
    error: Option<&'a FieldError>,
}

impl HtmlSafe for UnderCell<'_> {}

#[derive(Debug, Template)]
#[template(ext = "html", source = r#"<input type="hidden" name="asi_es" value="{{ confirmed }}">"#)]
pub struct Remembered<'a> {
    confirmed: &'a str,
}

impl HtmlSafe for Remembered<'_> {}

impl HtmlSafe for UnderField<'_> {}
