//! A table, printed as text, HTML, Markdown or CSV.

use std::io::{self, Write};

use crate::page::escape;

pub struct Table {
    head: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

/// A figure, with the published one if available.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    pub text: String,
    pub published: Option<String>,
}

impl Cell {
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), published: None }
    }

    /// Checks whether the figure differs from the published one.
    pub fn differs(&self) -> bool {
        self.published.as_ref().is_some_and(|published| *published != self.text)
    }

    /// Returns the figure, the published one in brackets, and a mark if they differ. A missing figure is a dash.
    fn print(&self) -> String {
        let mark = if self.differs() { " ≠" } else { "" };
        match &self.published {
            Some(published) => format!("{} ({}){mark}", dash(&self.text), dash(published)),
            None => dash(&self.text).into(),
        }
    }

    fn html(&self) -> String {
        let own = escape(dash(&self.text));
        match &self.published {
            Some(published) => {
                let (class, mark) = if self.differs() { (" class=\"differs\"", " ≠") } else { ("", "") };
                let published = escape(dash(published));
                format!("<td{class}>{own} <span class=\"published\">{published}{mark}</span></td>")
            }
            None => format!("<td>{own}</td>"),
        }
    }
}

fn dash(text: &str) -> &str {
    if text.is_empty() { "–" } else { text }
}

impl Table {
    pub fn new(head: &[&str]) -> Self {
        Self { head: head.iter().map(|&name| name.into()).collect(), rows: Vec::new() }
    }

    pub fn push(&mut self, row: Vec<Cell>) {
        debug_assert_eq!(row.len(), self.head.len());
        self.rows.push(row);
    }

    /// Prints the table to stdout in columns, after an empty line and the title.
    pub fn print(&self, title: &str) -> io::Result<()> {
        writeln!(io::stdout(), "\n{title}\n{}", self.text())
    }

    fn text(&self) -> String {
        let printed = self.rows.iter().map(|row| row.iter().map(Cell::print).collect::<Vec<_>>());
        let lines: Vec<Vec<String>> = std::iter::once(self.head.clone()).chain(printed).collect();
        let widths: Vec<usize> = (0..self.head.len())
            .map(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0))
            .collect();
        let line = |cells: &Vec<String>| {
            let cells: Vec<String> =
                cells.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
            cells.join("  ").trim_end().to_owned()
        };
        lines.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// Returns the table as CSV, without the published figures. Fields must not contain commas.
    pub fn csv(&self) -> String {
        let rows = self.rows.iter().map(|row| row.iter().map(|cell| cell.text.clone()).collect::<Vec<_>>());
        let lines = std::iter::once(self.head.clone()).chain(rows);
        lines.map(|line| line.join(",") + "\n").collect()
    }

    pub fn markdown(&self) -> String {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let head = line(self.head.clone()) + &"|---".repeat(self.head.len()) + "|\n";
        self.rows.iter().fold(head, |text, row| text + &line(row.iter().map(Cell::print).collect()))
    }

    pub fn html(&self) -> String {
        let head: String =
            self.head.iter().map(|name| format!("<th scope=\"col\">{}</th>", escape(name))).collect();
        let row = |cells: &Vec<Cell>| {
            let first = format!("<th scope=\"row\">{}</th>", escape(dash(&cells[0].text)));
            let others: String = cells[1..].iter().map(Cell::html).collect();
            format!("<tr>{first}{others}</tr>\n")
        };
        let body: String = self.rows.iter().map(row).collect();
        format!("<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["activation", "test %"]);
        let cell =
            |text: &str, published: &str| Cell { text: text.into(), published: Some(published.into()) };
        table.push(vec![Cell::new("swish β=2"), cell("97.96", "97.96")]);
        table.push(vec![Cell::new("a<b"), cell("", "33")]);
        table
    }

    #[test]
    fn columns_line_up_and_differences_are_marked() {
        let lines = ["activation  test %", "swish β=2   97.96 (97.96)", "a<b         – (33) ≠"];
        assert_eq!(table().text(), lines.join("\n"));
    }

    #[test]
    fn a_page_shows_the_same() {
        let html = table().html();
        assert!(html.contains("<td>97.96 <span class=\"published\">97.96</span></td>"));
        assert!(html.contains("<td class=\"differs\">– <span class=\"published\">33 ≠</span></td>"));
        assert!(html.contains("<th scope=\"row\">a&lt;b</th>"));
    }

    #[test]
    fn a_program_reads_the_figures_alone() {
        assert_eq!(table().csv(), "activation,test %\nswish β=2,97.96\na<b,\n");
        assert_eq!(
            table().markdown(),
            "| activation | test % |\n|---|---|\n| swish β=2 | 97.96 (97.96) |\n| a<b | – (33) ≠ |\n"
        );
    }
}
