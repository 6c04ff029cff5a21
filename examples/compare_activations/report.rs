//! The sections of a report.

use crate::page::escape;
use crate::pictures::Picture;
use crate::table::Table;

/// A section of a page.
pub struct Section {
    title: String,
    note: String,
    table: Option<Table>,
    pictures: Vec<Picture>,
}

impl Section {
    pub fn table(title: &str, note: &str, table: Table) -> Self {
        Self { title: title.into(), note: note.into(), table: Some(table), pictures: Vec::new() }
    }

    pub fn pictures(title: &str, note: &str, pictures: Vec<Picture>) -> Self {
        Self { title: title.into(), note: note.into(), table: None, pictures }
    }

    fn html(&self) -> String {
        let title = escape(&self.title);
        let mut html = format!("<section>\n<h2>{title}</h2>\n");
        if !self.note.is_empty() {
            html += &format!("<p>{}</p>\n", escape(&self.note));
        }
        if let Some(table) = &self.table {
            // A scrollable box that accepts keyboard focus.
            html += &format!(
                "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{title}\">\n{}\n</div>\n",
                table.html()
            );
        }
        if !self.pictures.is_empty() {
            let figures: String = self.pictures.iter().map(figure).collect();
            html += &format!("<div class=\"pictures\">\n{figures}</div>\n");
        }
        html + "</section>\n"
    }
}

fn figure(picture: &Picture) -> String {
    let title = escape(&picture.title);
    let svg = picture.svg.replacen(
        "<svg ",
        &format!("<svg id=\"{}\" role=\"img\" aria-label=\"{title}\" ", picture.name),
        1,
    );
    format!("<figure>\n{svg}<figcaption>{title}</figcaption>\n</figure>\n")
}

/// Returns the page with its title, the settings of the runs, and its sections.
pub fn page(title: &str, settings: &[(&str, String)], sections: &[Section]) -> String {
    let sections: String = sections.iter().map(Section::html).collect();
    crate::page::page(title, settings, "", &sections)
}
