//! Where an endpoint that a workflow writes out leads in this place: only to a destination that is bound.
//!
//! | bound | an endpoint on its host |
//! |---|---|
//! | under the endpoint's own `host` or `host:port` as the name | goes to the bound address instead: another place, the same workflow |
//! | under any name, to an address of the same scheme, host and port | goes there, inside the path of that address |
//! | not at all | goes nowhere |
//!
//! What must stay true: policy, the Guard and the worker get the same answer from the same binding. It resolves no names and asks nobody.

use std::collections::BTreeMap;

use provost_model::program::Endpoint;

/// The address that `endpoint` leads to: scheme, host, port and the path that everything must stay in. `None` where nothing is bound.
pub fn address<'b>(destinations: &'b BTreeMap<String, String>, endpoint: &Endpoint<'_>) -> Option<&'b str> {
    if let Some(bound) = destinations.get(&endpoint.authority()) {
        return Some(bound);
    }
    let mut same = destinations.values().filter(|bound| Endpoint::parse(bound).is_some_and(|bound| bound.is_same_origin(endpoint)));
    let first = same.next()?;
    // Several paths of one host may be bound; the one that the endpoint is in counts.
    let fits = std::iter::once(first).chain(same).find(|bound| Endpoint::parse(bound).is_some_and(|bound| is_inside(endpoint, &bound)));
    Some(fits.unwrap_or(first))
}

/// Whether an address was bound under the endpoint's own name, so that the endpoint's path is added to the address's.
pub fn is_renamed(destinations: &BTreeMap<String, String>, endpoint: &Endpoint<'_>) -> bool {
    destinations.contains_key(&endpoint.authority())
}

fn is_inside(endpoint: &Endpoint<'_>, bound: &Endpoint<'_>) -> bool {
    let path = bound.rest.trim_end_matches('/');
    endpoint.rest.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(pairs: &[(&str, &str)], endpoint: &str) -> Option<String> {
        let destinations = pairs.iter().map(|(name, address)| ((*name).to_owned(), (*address).to_owned())).collect();
        let endpoint = Endpoint::parse(endpoint)?;
        address(&destinations, &endpoint).map(str::to_owned)
    }

    #[test]
    fn nothing_bound_leads_nowhere() {
        assert_eq!(bound(&[], "https://api.example/x"), None);
        assert_eq!(bound(&[("bank", "https://bank.example")], "https://api.example/x"), None);
        assert_eq!(bound(&[("bank", "https://api.example")], "http://api.example/x"), None, "another scheme is another place");
        assert_eq!(bound(&[("bank", "https://api.example")], "https://api.example:444/x"), None, "another port is another place");
    }

    #[test]
    fn a_name_leads_elsewhere_and_a_bound_address_leads_to_itself() {
        assert_eq!(bound(&[("api.example", "http://127.0.0.1:4000")], "https://API.example/x").as_deref(), Some("http://127.0.0.1:4000"));
        assert_eq!(bound(&[("api.example:81", "http://127.0.0.1:4")], "http://api.example:81").as_deref(), Some("http://127.0.0.1:4"));
        assert_eq!(bound(&[("a", "https://api.example/v1")], "https://api.example:443/v1/x").as_deref(), Some("https://api.example/v1"));
    }

    #[test]
    fn of_several_paths_the_one_counts_that_the_endpoint_is_in() {
        let both = [("a", "https://api.example/v1"), ("b", "https://api.example/v2/")];
        assert_eq!(bound(&both, "https://api.example/v2/x").as_deref(), Some("https://api.example/v2/"));
        assert_eq!(
            bound(&both, "https://api.example/v22").as_deref(),
            Some("https://api.example/v1"),
            "refused by the path, not by the host"
        );
    }
}
