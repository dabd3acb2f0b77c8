//! The flow: places blocks one under the other, breaks pages, and draws them all once it is known how many there are.

use krilla::Document;
use krilla::action::LinkAction;
use krilla::annotation::{Annotation, LinkAnnotation, Target};
use krilla::page::PageSettings;
use krilla::tagging::{ArtifactType, Node, Tag, TagGroup, TagTree};

use super::Sheet;
use super::block::{Align, Block, Ink, Role};
use super::pen::{Link, Pen, Tagged};
use super::table::Table;
use super::text::Text;

/// What a page carries besides its text.
pub struct Furniture {
    /// Its height above the top margin is up to whom draws it.
    pub head: Option<(f32, Block)>,
    pub foot: (f32, Block),
    /// Behind the text, placed from the page's corner.
    pub behind: Option<Block>,
}

pub struct Flow {
    sheet: Sheet,
    pages: Vec<Vec<Placed>>,
    y: f32,
    tables: usize,
}

struct Placed {
    y: f32,
    block: Block,
    part: PartOf,
}

/// Where the tags of a block go.
#[derive(Clone, Copy)]
enum PartOf {
    Page,
    TableHead(usize),
    TableRow(usize),
    /// A head drawn again.
    Repeated,
}

/// The tags of a document, in reading order, while its pages are drawn.
#[derive(Default)]
struct Outline {
    entries: Vec<Entry>,
    tables: Vec<Tags>,
}

enum Entry {
    Group(TagGroup),
    Table(usize),
}

#[derive(Default)]
struct Tags {
    head: Vec<Node>,
    rows: Vec<Node>,
}

impl Flow {
    pub fn new(sheet: Sheet) -> Self {
        Self { y: sheet.top, sheet, pages: vec![Vec::new()], tables: 0 }
    }

    /// Places a block whole, on a new page if this one has no room for it. The gap is above it, but not on top of a page.
    pub fn place(&mut self, gap: f32, block: Block) {
        self.make_room(gap, block.height);
        self.put(block, PartOf::Page);
    }

    /// Places a block that must not part from the `next` points that follow it.
    pub fn place_with(&mut self, gap: f32, block: Block, next: f32) {
        self.make_room(gap, block.height + next);
        self.put(block, PartOf::Page);
    }

    /// Places a paragraph, broken between lines where a page ends.
    pub fn place_text(&mut self, gap: f32, text: Text) {
        self.make_room(gap, text.first_line());
        let mut left = Some(text);
        while let Some(text) = left.take() {
            let (fitting, rest) = text.cut(self.room()).unwrap_or((text, None));
            let mut block = Block::new();
            block.put(0.0, 0.0, Ink::Text(fitting, Align::Left), Role::Paragraph);
            self.put(block, PartOf::Page);
            if rest.is_some() {
                self.new_page();
            }
            left = rest;
        }
    }

    /// Places a table, broken between rows where a page ends; its head is repeated there.
    pub fn place_table(&mut self, gap: f32, table: Table) {
        let index = self.tables;
        self.tables += 1;
        self.make_room(gap, table.head.height + table.rows.first().map_or(0.0, |row| row.block.height));
        let head = table.head;
        self.put(head.clone(), PartOf::TableHead(index));
        let mut rows = table.rows.into_iter().peekable();
        while let Some(row) = rows.next() {
            let following = rows.peek().filter(|next| next.stays).map_or(0.0, |next| next.block.height);
            if self.y + row.block.height + following > self.sheet.floor() && !row.stays {
                self.new_page();
                self.put(head.clone(), PartOf::Repeated);
            }
            self.put(row.block, PartOf::TableRow(index));
        }
    }

    /// Places a block at the foot of the last page.
    pub fn place_at_foot(&mut self, gap: f32, block: Block) {
        self.make_room(gap, block.height);
        self.y = self.sheet.floor() - block.height;
        self.put(block, PartOf::Page);
    }

    fn make_room(&mut self, gap: f32, height: f32) {
        let on_top = self.pages.last().is_none_or(Vec::is_empty);
        if !on_top && self.y + gap + height > self.sheet.floor() {
            self.new_page();
        } else if !on_top {
            self.y += gap;
        }
    }

    fn room(&self) -> f32 {
        self.sheet.floor() - self.y
    }

    fn new_page(&mut self) {
        self.pages.push(Vec::new());
        self.y = self.sheet.top;
    }

    fn put(&mut self, block: Block, part: PartOf) {
        let height = block.height;
        if let Some(page) = self.pages.last_mut() {
            page.push(Placed { y: self.y, block, part });
        }
        self.y += height;
    }

    /// Draws every page. `furniture` is asked with the number of a page and how many there are.
    pub fn draw(&self, document: &mut Document, furniture: &mut dyn FnMut(usize, usize) -> Furniture) -> TagTree {
        let mut outline = Outline { entries: Vec::new(), tables: (0..self.tables).map(|_| Tags::default()).collect() };
        let total = self.pages.len();
        for (index, placed) in self.pages.iter().enumerate() {
            draw_page(document, &self.sheet, placed, &furniture(index + 1, total), &mut outline);
        }
        outline.finish()
    }
}

fn draw_page(document: &mut Document, sheet: &Sheet, placed: &[Placed], furniture: &Furniture, outline: &mut Outline) {
    let settings = PageSettings::from_wh(sheet.width, sheet.height).expect("a sheet of paper has a size");
    let mut page = document.start_page_with(settings);
    let mut surface = page.surface();
    let mut pen = Pen::new(&mut surface);
    if let Some(behind) = &furniture.behind {
        pen.repeat(behind, 0.0, 0.0, ArtifactType::Watermark);
    }
    if let Some((y, head)) = &furniture.head {
        pen.repeat(head, sheet.left, *y, ArtifactType::Header);
    }
    let mut drawn: Vec<(PartOf, Vec<Tagged>)> = Vec::with_capacity(placed.len());
    for piece in placed {
        match piece.part {
            PartOf::Repeated => pen.repeat(&piece.block, sheet.left, piece.y, ArtifactType::PaginationOther),
            part => drawn.push((part, pen.draw(&piece.block, sheet.left, piece.y))),
        }
    }
    let (y, foot) = &furniture.foot;
    pen.repeat(foot, sheet.left, *y, ArtifactType::Footer);
    let links = pen.links;
    surface.finish();
    let mut links: Vec<Option<TagGroup>> = links.into_iter().map(|link| Some(add_link(&mut page, link))).collect();
    for (part, tagged) in drawn {
        outline.take(part, tagged, &mut links);
    }
    page.finish();
}

fn add_link(page: &mut krilla::page::Page<'_>, link: Link) -> TagGroup {
    let action = LinkAction::new(link.address.clone());
    let annotation = LinkAnnotation::new(link.area, Target::Action(action.into()));
    let area = page.add_tagged_annotation(Annotation::new_link(annotation, Some(link.address)));
    TagGroup::with_children(Tag::Link, vec![link.words.into(), area.into()])
}

impl Outline {
    fn take(&mut self, part: PartOf, tagged: Vec<Tagged>, links: &mut [Option<TagGroup>]) {
        let groups = tagged.into_iter().filter_map(|tagged| match tagged {
            Tagged::Group(group) => Some(group),
            Tagged::Link(index) => links[index].take(),
        });
        match part {
            PartOf::Page => self.entries.extend(groups.map(Entry::Group)),
            PartOf::TableHead(table) => {
                self.entries.push(Entry::Table(table));
                self.tables[table].head.push(TagGroup::with_children(Tag::TR, groups.map(Node::from).collect()).into());
            }
            PartOf::TableRow(table) => {
                self.tables[table].rows.push(TagGroup::with_children(Tag::TR, groups.map(Node::from).collect()).into());
            }
            PartOf::Repeated => {}
        }
    }

    fn finish(mut self) -> TagTree {
        let mut tree = TagTree::new();
        for entry in self.entries {
            match entry {
                Entry::Group(group) => tree.push(group),
                Entry::Table(index) => {
                    let Tags { head, rows } = std::mem::take(&mut self.tables[index]);
                    let head = TagGroup::with_children(Tag::THead, head);
                    let body = TagGroup::with_children(Tag::TBody, rows);
                    tree.push(TagGroup::with_children(Tag::Table, vec![head.into(), body.into()]));
                }
            }
        }
        tree
    }
}
