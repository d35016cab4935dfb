//! Drawings of workflows: Mermaid text and a self-contained SVG.
//!
//! What must stay true: the same program gives the same bytes; whatever stands in names, conditions and types is text in the drawing and
//! never markup; a drawing is bounded however large the workflow is. What is absent: what a running orchestration did.

mod chart;
mod layout;
mod mermaid;
mod part;
mod place;
mod svg;

use provost_model::Program;

/// A workflow as Mermaid text (`flowchart TD`).
pub fn mermaid(program: &Program) -> String {
    mermaid::text(&chart::Chart::of(program))
}

/// A workflow as one SVG document with a title and a description, without scripts and without anything from elsewhere.
pub fn svg(program: &Program) -> String {
    svg::text(&chart::Chart::of(program))
}
