//! Ids and flags in paths and queries, read in one place for every handler.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use provost_model::OrchestrationId;
use provost_model::id::IdError;

use crate::App;
use crate::auth::Caller;
use crate::refusal::Refusal;

/// The id that a path names; a text that is none is refused with what an id looks like.
pub struct Id<T>(pub T);

impl<T: FromStr<Err = IdError>> FromRequestParts<App> for Id<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let Path(text) = Path::<String>::from_request_parts(parts, app).await.map_err(|e| refused(e.to_string()))?;
        id(&text).map(Self)
    }
}

/// The orchestration that a path names, by its own id or by one that the answer to an event of its batch gave. Everything behind it sees
/// the orchestration's own id, policy too.
pub struct Named(pub OrchestrationId);

impl FromRequestParts<App> for Named {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let Id(id) = Id::<OrchestrationId>::from_request_parts(parts, app).await?;
        let Caller { tenant, .. } = Caller::from_request_parts(parts, app).await?;
        let meant = app.node.plane.read(id.slot(), move |partition| partition.meant(&tenant, id)).await??;
        Ok(Self(meant))
    }
}

/// The id that `text` is.
///
/// # Errors
/// A refusal that says what an id looks like.
pub fn id<T: FromStr<Err = IdError>>(text: &str) -> Result<T, Refusal> {
    text.parse().map_err(|e: IdError| refused(e.to_string()))
}

/// Whether a query says `name` alone, or `name=true`.
///
/// # Errors
/// A refusal of another word.
pub fn flag(name: &'static str, word: Option<&str>) -> Result<bool, Refusal> {
    match word {
        None | Some("false") => Ok(false),
        Some("" | "true") => Ok(true),
        Some(other) => {
            Err(Refusal::new(422, name, format!("`{other}` is neither yes nor no"), format!("use `{name}` alone, or leave it out")))
        }
    }
}

fn refused(why: String) -> Refusal {
    Refusal::new(400, "id", why, "copy it again")
}
