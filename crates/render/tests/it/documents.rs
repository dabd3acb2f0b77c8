//! What a PDF promises beyond its looks: tags, order, the same bytes, and words that can be copied whole.

use acuse_domain::receipt::Voided;
use acuse_render::receipt::{Paper, receipt_pdf, receipt_pdf_on};

use crate::support::{logo, pdf, pictures, receipt, run, saved, text_of};

/// What a page says, with every run of blanks and line ends as one space.
fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Errs if one of the words does not follow the one before it.
fn check_order(text: &str, words: &[&str]) {
    let mut rest = text;
    for word in words {
        let at = rest.find(word).unwrap_or_else(|| panic!("«{word}» does not follow in: {rest}"));
        rest = &rest[at + word.len()..];
    }
}

#[test]
fn the_same_receipt_gives_the_same_bytes() {
    for name in ["cobro-parcial-anticipo", "nombres-hostiles"] {
        let elsewhere = std::thread::spawn(move || pdf(name)).join().expect("it prints");
        assert!(pdf(name) == elsewhere, "{name}");
    }
}

#[test]
fn a_receipt_says_what_it_is_to_readers_and_archives() {
    let path = saved("facts", &pdf("cobro-anulado"));
    let path = path.to_string_lossy();
    run("qpdf", &["--check", &path]);
    let facts = run("pdfinfo", &["-isodates", &path]);
    for fact in [
        "Recibo de cobro a cliente RC-000044",
        "Ferretería Sierra Centro Cía. Ltda.. ANULADO",
        "RC-000044, 1792123453001, Comprobante de ingreso",
        "2026-11-20",
    ] {
        assert!(facts.contains(fact), "«{fact}» is not in {facts}");
    }
    assert!(in_one_line(&facts).contains("Tagged: yes"), "{facts}");
    let named = |name| String::from_utf8_lossy(&pdf(name)).contains("<pdfuaid:part>1</pdfuaid:part>");
    assert!(named("cobro-anulado") && named("cobro-200-documentos") && !named("nombres-hostiles"));
    assert!(
        run(
            "qpdf",
            &[
                "--qdf",
                "--object-streams=disable",
                "--no-original-object-ids",
                "--stream-data=preserve",
                "--json",
                "--json-key=qpdf",
                &path
            ]
        )
        .contains("es-EC")
    );
}

#[test]
fn tags_name_headings_tables_and_pictures_in_reading_order() {
    let path = saved("tags", &pdf("cobro-parcial-anticipo"));
    let tags = run("pdfinfo", &["-struct-text", &path.to_string_lossy()]);
    check_order(
        &tags,
        &[
            "Figure",
            "Ferretería Sierra Centro",
            "H1",
            "Recibo de cobro a cliente",
            "RC-000046",
            "Recibimos de",
            "SON:",
            "H2",
            "Forma de cobro",
            "Table",
            "THead",
            "TH",
            "Forma",
            "TBody",
            "TD",
            "Cheque posfechado",
            "H2",
            "Documentos cobrados",
            "Table",
            "Fac. 001-001-000000123",
            "Descripción",
            "Valor recibido",
            "Recibí conforme",
            "Figure",
            "Link",
            "recibos.ferrisierra.ec/v/7K3Q-9FZM-2T",
            "Este recibo prueba",
        ],
    );
}

#[test]
fn copied_text_comes_in_reading_order_and_rows_stay_rows() {
    let text = text_of("order", &pdf("cobro-parcial-anticipo"));
    let text = in_one_line(&text);
    check_order(
        &text,
        &[
            "Ferretería Sierra Centro Cía. Ltda. FerriSierra RUC 1792123453001",
            "Recibo de cobro a cliente Comprobante de ingreso N.º RC-000046",
            "Recibimos de Comercial Andina del Valle S.A.",
            "Valor recibido USD 1.321,50",
            "SON: MIL TRESCIENTOS VEINTIUNO CON 50/100 DÓLARES",
            "Forma Banco o caja Número Fecha Valor USD",
            "Cheque posfechado Produbanco 001204 15/12/2026 800,00",
            "Retención IR 2 % – 002-001-000004518 20/11/2026 20,00",
            "Suma 1.436,50",
            "Fac. 001-001-000000131 11/10/2026 880,00 640,50 210,00 430,50",
            "Suma de 3 documentos 1.406,50 430,50",
            "Descripción Abono de noviembre",
            "Anticipo a favor del cliente 30,00",
            "Elaborado por María Fernanda Cevallos",
            "Recibí conforme Ferretería Sierra",
            "Página 1 de 1",
        ],
    );
}

#[test]
fn a_long_list_repeats_its_head_and_every_page_says_which_it_is() {
    let path = saved("long", &pdf("cobro-200-documentos"));
    for page in 1..=5 {
        let number = page.to_string();
        let text = in_one_line(&run("pdftotext", &["-layout", "-f", &number, "-l", &number, &path.to_string_lossy(), "-"]));
        assert!(text.contains("Documento Emisión Total Saldo anterior Abono Saldo"), "page {page}: {text}");
        assert!(
            text.ends_with(&format!("No es un documento tributario del SRI. RC-000047 · Página {page} de 5")),
            "page {page}: {text}"
        );
        let head = "Ferretería Sierra Centro Cía. Ltda. Recibo de cobro a cliente RC-000047, 24/11/2026";
        assert_eq!(text.starts_with(head), page > 1, "page {page}: {text}");
    }
    let whole = in_one_line(&text_of("long", &pdf("cobro-200-documentos")));
    assert_eq!(whole.matches(" 001-00").count(), 200);
}

#[test]
fn the_sum_of_a_list_never_stands_alone_on_a_page() {
    let mut paid = receipt("cobro-200-documentos");
    for count in 28..=40 {
        paid.allocations = receipt("cobro-200-documentos").allocations[..count].to_vec();
        let path = saved("alone", &receipt_pdf(&paid, None).expect("it prints"));
        let text = in_one_line(&run("pdftotext", &["-layout", "-f", "2", "-l", "2", &path.to_string_lossy(), "-"]));
        assert!(!text.contains("Saldo Suma de"), "{count}: {text}");
    }
}

#[test]
fn anulado_stands_on_each_page() {
    let mut voided = receipt("cobro-200-documentos");
    voided.voided = Some(Voided { date: "2026-11-25".to_string(), reason: None });
    let path = saved("voided", &receipt_pdf(&voided, None).expect("it prints"));
    for page in 1..=5 {
        let number = page.to_string();
        let text = run("pdftotext", &["-layout", "-f", &number, "-l", &number, &path.to_string_lossy(), "-"]);
        assert!(text.contains("ANULADO: sin valor."), "page {page}: {text}");
        assert_eq!(text.contains("24/11/2026 · ANULADO"), page > 1, "page {page}: {text}");
    }
    let text = in_one_line(&text_of("voided-order", &pdf("cobro-anulado")));
    check_order(
        &text,
        &["ANULADO Anulado el 24 de noviembre de 2026. No tiene valor", "Valor del recibo anulado", "no prueba ningún cobro"],
    );
}

#[test]
fn the_code_leads_to_the_address_in_capitals() {
    for (name, logo) in [("cobro-simple", Some(logo())), ("cobro-anulado", None)] {
        let pages = pictures(&format!("code-{name}"), &receipt_pdf(&receipt(name), logo.as_ref()).expect("it prints"));
        let read = run("zbarimg", &["--quiet", "--raw", &pages[0].to_string_lossy()]);
        assert_eq!(read.trim(), "HTTPS://RECIBOS.FERRISIERRA.EC/V/7K3Q-9FZM-2T");
    }
}

#[test]
fn without_an_address_there_is_no_code_and_the_legal_sentence_stays() {
    let text = in_one_line(&text_of("no-code", &pdf("sin-logo")));
    assert!(text.contains("Este recibo prueba el pago que describe. No es comprobante de venta"));
    assert!(!text.contains("Compruebe que"));
    assert!(text.starts_with("MA María Augusta Ñauta Quizhpe"), "{text}");
}

#[test]
fn a_word_wider_than_its_column_breaks_and_leaves_no_character_behind() {
    let mut wide = receipt("cobro-simple");
    wide.contact.name = "W".repeat(200);
    wide.lines[0].reference = Some("0123456789".repeat(6));
    wide.allocations[0].number = "A".repeat(64);
    let lines = text_of("wide", &receipt_pdf(&wide, None).expect("it prints"));
    let longest = lines.split_whitespace().map(str::len).max().expect("it has words");
    assert!(longest < 80, "a word of {longest} letters is wider than its column");
    let text: String = lines.split_whitespace().collect();
    for word in ["W".repeat(200), "0123456789".repeat(6), "A".repeat(64)] {
        assert!(text.contains(&word), "{word} is not whole in {text}");
    }
}

#[test]
fn the_cents_in_words_are_not_torn_from_their_currency() {
    let text = text_of("words", &pdf("nombres-hostiles")).replace('\u{a0}', " ");
    assert!(text.lines().any(|line| line.contains("CON 99/100 DÓLARES")), "{text}");
}

#[test]
fn hostile_names_print_on_two_pages_and_stay_text() {
    let pdf = pdf("nombres-hostiles");
    assert_eq!(pictures("hostile", &pdf).len(), 2);
    let text = in_one_line(&text_of("hostile", &pdf));
    for words in ["<script>alert(1)</script>", "Caja «#import \"x\"» $x^2$ *no*", "#set page(width: 1pt)"] {
        assert!(text.contains(words), "«{words}» is not in {text}");
    }
}

#[test]
fn an_amount_without_money_says_so() {
    let mut settled = receipt("cobro-simple");
    settled.money = "0.00".to_string();
    settled.lines[0].method = "offset".to_string();
    let text = in_one_line(&text_of("settled", &receipt_pdf(&settled, None).expect("it prints")));
    assert!(text.contains("Valor compensado, sin movimiento de dinero USD 120,00"), "{text}");
    assert!(text.contains("Compensamos con") && !text.contains("Recibimos de") && !text.contains("Pagamos a"), "{text}");
}

#[test]
fn letter_paper_is_letter_paper() {
    let path = saved("letter", &receipt_pdf_on(Paper::UsLetter, &receipt("cobro-parcial-anticipo"), None).expect("it prints"));
    let facts = run("pdfinfo", &[&path.to_string_lossy()]);
    assert!(facts.contains("612 x 792"), "{facts}");
    assert!(facts.contains("Pages:           1"), "{facts}");
}

#[test]
fn a_drawing_is_printed_and_what_cannot_be_drawn_is_left_out() {
    let mut odd = receipt("cobro-parcial-anticipo");
    odd.contact.name = "Florería 🌹 La Rosa \u{e000} Cía. Ltda.".to_owned();
    odd.description = Some("Pagado 😀👍🏽 gracias ✓ \u{13000}\u{13001} → visto ★ \u{f8ff}".to_owned());
    let pdf = receipt_pdf(&odd, None).expect("it prints");
    let text = in_one_line(&text_of("drawings", &pdf));
    for words in ["Florería 🌹 La Rosa Cía. Ltda.", "Pagado 😀👍 gracias ✓ → visto ★"] {
        assert!(text.contains(words), "«{words}» is not in {text}");
    }
    assert!(!text.contains(['\u{e000}', '\u{13000}', '\u{f8ff}', '\u{fffd}']), "{text}");
    assert_eq!(pictures("drawings", &pdf).len(), 1);
}
