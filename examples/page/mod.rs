//! A self-contained HTML page, without scripts or external resources.

/// Returns a page with its title, the settings of the run and the rest of its contents, which is HTML. `style` is added to the
/// style of all pages.
pub fn page(title: &str, settings: &[(&str, String)], style: &str, contents: &str) -> String {
    let title = escape(title);
    let settings: String = settings
        .iter()
        .map(|(name, value)| format!("<div><dt>{}</dt><dd>{}</dd></div>\n", escape(name), escape(value)))
        .collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>\n{STYLE}{style}</style>\n</head>\n\
         <body>\n<main>\n<h1>{title}</h1>\n<dl>\n{settings}</dl>\n{contents}</main>\n</body>\n</html>\n"
    )
}

const STYLE: &str = include_str!("page.css");

/// Returns a text with the characters that have a meaning in HTML replaced.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
