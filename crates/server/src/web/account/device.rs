//! What a browser is, by what it says of itself: enough for its owner to know it again.

/// Each browser says that it is the ones before it, too: the first that is found is the one.
const BROWSERS: [(&str, &str); 9] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

const SYSTEMS: [(&str, &str); 7] = [
    ("Windows", "Windows"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Mac OS X", "Mac"),
    ("CrOS", "Chromebook"),
    ("Linux", "Linux"),
];

/// «Chrome en Windows»
#[must_use]
pub fn named(user_agent: &str) -> String {
    let found = |names: &[(&str, &'static str)]| names.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name);
    match (found(&BROWSERS), found(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} en {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, Some(system)) => format!("Un navegador en {system}"),
        (None, None) => "Un navegador".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_named_as_its_owner_names_it() {
        const CHROME: &str = "(KHTML, like Gecko) Chrome/142.0.0.0";
        let cases = [
            (format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 {CHROME} Safari/537.36"), "Chrome en Windows"),
            (format!("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 {CHROME} Safari/537.36 Edg/142.0"), "Edge en Windows"),
            (format!("Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 {CHROME} Mobile Safari/537.36"), "Chrome en Android"),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0".to_owned(), "Firefox en Linux"),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605 Version/18.6 Safari/604".to_owned(),
                "Safari en iPhone",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605 Version/18.6 Safari/605".to_owned(),
                "Safari en Mac",
            ),
            ("curl/8.14.1".to_owned(), "Un navegador"),
            (String::new(), "Un navegador"),
        ];
        for (user_agent, name) in cases {
            assert_eq!(named(&user_agent), name, "{user_agent}");
        }
    }
}
