//! Who is asking, and whose tenant it is. From the credential only.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use provost_model::verdict::Entity;
use provost_model::{TenantId, Value, Who};

use crate::App;
use crate::refusal::Refusal;

/// The caller.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Whose data it may touch.
    pub tenant: TenantId,
    /// Who it is, and how that is known.
    pub who: Who,
}

impl FromRequestParts<App> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        if let Some(header) = parts.headers.get(AUTHORIZATION) {
            let token = header.to_str().ok().and_then(|text| text.strip_prefix("Bearer ")).unwrap_or_default();
            let known = app.node.control.authenticate(token.trim());
            let (tenant, who) = known.ok_or_else(|| {
                Refusal::new(401, "unauthenticated", "the bearer token is not known here", "look for a typo, an expiry or a revocation")
            })?;
            return Ok(Self { tenant, who });
        }
        match &app.loopback_user {
            Some(user) => Ok(Self { tenant: TenantId::local(), who: provost_control::loopback(user) }),
            None => Err(Refusal::new(401, "unauthenticated", "a bearer token is needed", "send `Authorization: Bearer pvt_…`")),
        }
    }
}

impl Caller {
    /// Asks policy.
    ///
    /// # Errors
    /// The refusal, with the rules that decided.
    pub fn may(&self, app: &App, action: &str, resource: Entity, context: Value) -> Result<(), Refusal> {
        app.node.plane.allow(&self.tenant, &self.who, action, resource, context).map_err(Refusal::from)
    }

    /// Asks policy about the whole tenant.
    ///
    /// # Errors
    /// The refusal.
    pub fn may_in_tenant(&self, app: &App, action: &str) -> Result<(), Refusal> {
        self.may(app, action, Entity::new("Tenant", self.tenant.as_str()), Value::empty())
    }
}
