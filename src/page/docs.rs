//! The documents as pages of a site.

use std::io;

use minijinja::context;
use minijinja::value::Serde;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, html};

use super::html::{filled, hash};
use super::{STYLE, palette};

/// The documents, by the name of their pages, in the order in which a reader may want them.
macro_rules! documents {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../docs/", $name, ".md")))),*]
    };
}

const DOCUMENTS: [(&str, &str); 18] = documents![
    "commands",
    "files",
    "lab",
    "estimators",
    "fields",
    "generators",
    "targets",
    "metrics",
    "claims",
    "mass",
    "last-cloud",
    "one-dimension",
    "sweeps",
    "python",
    "library",
    "json",
    "defaults",
    "benchmarks",
];

/// A document of the site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentPage {
    /// Name of its file.
    pub file: String,
    /// Its heading.
    pub title: String,
    /// Its text.
    pub html: String,
}

/// All documents as pages that lie in one folder, `home` being the address of the site's first page from there.
///
/// # Errors
/// None that is known; those of the template engine are passed on.
pub fn documents(home: &str) -> io::Result<Vec<DocumentPage>> {
    let titles = DOCUMENTS.map(|(name, text)| {
        let title = text.lines().find_map(|line| line.strip_prefix("# "));
        (
            format!("{name}.html"),
            title.unwrap_or(name).replace('`', ""),
        )
    });
    let style = format!("{}{STYLE}{}", palette::css(), include_str!("docs.css"));
    let pages = DOCUMENTS.iter().zip(&titles);
    let page = |((_, text), (file, title)): (&(&str, &str), &(String, String))| {
        let values = context! {
            version => env!("CARGO_PKG_VERSION"),
            home,
            file,
            title,
            titles => Serde(&titles[..]),
            body => rendered(text, home),
            style_hash => hash(&style),
            style => style.as_str(),
        };
        Ok(DocumentPage {
            file: file.clone(),
            title: title.clone(),
            html: filled("docs.html", include_str!("docs.html"), values)?,
        })
    };
    pages.map(page).collect()
}

/// A document as HTML. Links between documents lead to their pages, and the list of scenarios is the first page; what else of the repository a document
/// names, a site has not, so that only its words stay.
fn rendered(text: &str, home: &str) -> String {
    let mut events: Vec<Event<'_>> = Vec::new();
    // Whether a link that is open now leads anywhere.
    let mut leads = false;
    let mut heading = None;
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Link { ref dest_url, .. }) => {
                let address = address(dest_url, home);
                leads = address.is_some();
                events.extend(address.map(|address| linked(event, address)));
            }
            Event::End(TagEnd::Link) if !leads => {}
            Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => {}
            Event::Start(Tag::Heading { .. }) => {
                heading = Some(events.len());
                events.push(event);
            }
            Event::End(TagEnd::Heading(_)) => {
                if let Some(from) = heading.take() {
                    let (head, words) = events[from..].split_at_mut(1);
                    let anchor = anchor(words);
                    if let Some(Event::Start(Tag::Heading { id, .. })) = head.first_mut() {
                        *id = Some(anchor.into());
                    }
                }
                events.push(event);
            }
            // A document is text: what looks like a tag is shown.
            Event::Html(tag) | Event::InlineHtml(tag) => events.push(Event::Text(tag)),
            _ => events.push(event),
        }
    }
    let mut page = String::new();
    html::push_html(&mut page, events.into_iter());
    page
}

fn linked(link: Event<'_>, address: String) -> Event<'_> {
    match link {
        Event::Start(Tag::Link {
            link_type,
            title,
            id,
            ..
        }) => Event::Start(Tag::Link {
            link_type,
            dest_url: address.into(),
            title,
            id,
        }),
        other => other,
    }
}

/// Where a link of a document leads on the site; nothing if it leads to what is not there.
fn address(link: &str, home: &str) -> Option<String> {
    if link.starts_with("https://") || link.starts_with('#') {
        return Some(link.to_owned());
    }
    if link == "../scenarios/README.md" {
        return Some(home.to_owned());
    }
    let (file, place) = match link.split_once('#') {
        Some((file, place)) => (file, format!("#{place}")),
        None => (link, String::new()),
    };
    let name = file.strip_suffix(".md")?;
    let known = DOCUMENTS.iter().any(|(own, _)| *own == name);
    known.then(|| format!("{name}.html{place}"))
}

/// The name by which other documents know a heading: its words in small letters, joined by hyphens.
fn anchor(words: &[Event<'_>]) -> String {
    let texts = words.iter().filter_map(|event| match event {
        Event::Text(text) | Event::Code(text) => Some(text.to_lowercase()),
        _ => None,
    });
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    let joined = texts.collect::<String>();
    joined
        .chars()
        .filter(kept)
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_document_is_a_page() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
        let files = fs::read_dir(folder).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        let names: BTreeSet<String> = names.collect();
        let known: BTreeSet<String> = DOCUMENTS.iter().map(|(n, _)| format!("{n}.md")).collect();
        assert_eq!(names, known);
    }

    #[test]
    fn links_lead_to_pages_or_nowhere() {
        let text = "# What `D` is, and why\n\n[a](metrics.md#the-verdict) [b](../python/notebooks) [c](../scenarios/README.md) [d](https://x.y) <b>\n";
        let page = rendered(text, "../index.html");
        assert!(page.contains("<h1 id=\"what-d-is-and-why\">"), "{page}");
        assert!(
            page.contains(
                "<a href=\"metrics.html#the-verdict\">a</a> b <a href=\"../index.html\">c</a>"
            ),
            "{page}"
        );
        assert!(page.contains("&lt;b&gt;"), "{page}");
        // Each place that a link between documents names is there.
        let pages: Vec<_> = DOCUMENTS
            .map(|(name, text)| (name, rendered(text, "../index.html")))
            .into();
        let mut checked = 0;
        for (name, page) in &pages {
            for link in page.split("href=\"").skip(1) {
                let link = link.split('"').next().unwrap();
                let Some((file, place)) = link.split_once(".html#") else {
                    continue;
                };
                let (_, there) = pages.iter().find(|(name, _)| *name == file).unwrap();
                assert!(there.contains(&format!("id=\"{place}\"")), "{name}: {link}");
                checked += 1;
            }
        }
        assert!(checked > 1);
    }
}
