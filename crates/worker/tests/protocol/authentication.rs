//! Every scheme of the language against a server that checks it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use provost_model::record::{Attempted, SecretSpan};
use provost_worker::secrets::Secrets;
use provost_worker::{BuiltIn, Call, What};

use super::served::{Reply, Seen, Served, serve};
use super::{TRACEPARENT, carried, destinations, done, json, pets, spec, word, written};

/// A server that wants this `authorization`.
async fn wants(authorization: &str) -> Served {
    let wanted = authorization.to_owned();
    serve(move |seen| {
        let fits = seen.header("authorization").as_deref() == Some(&wanted);
        if fits { Reply::json("\"in\"") } else { Reply { status: 401, ..Reply::json("") } }
    })
    .await
}

async fn with(served: &Served, authentication: &str) -> Attempted {
    let input = format!(r#"{{"endpoint":"{}","authentication":{authentication}}}"#, pets(served));
    carried(written("GET"), &input, &[("api", &served.url)]).await
}

#[tokio::test]
async fn basic_and_bearer_are_said_at_once() {
    let served = wants("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==").await;
    assert_eq!(done(with(&served, r#"{"basic":{"username":"Aladdin","password":"open sesame"}}"#).await), json("\"in\""));
    assert_eq!(word(&with(&served, r#"{"basic":{"username":"Aladdin","password":"wrong"}}"#).await), "communication 401 for good");
    let served = wants("Bearer abc.def").await;
    assert_eq!(done(with(&served, r#"{"bearer":{"token":"abc.def"}}"#).await), json("\"in\""));
    assert_eq!(served.seen(), 1);
}

#[tokio::test]
async fn one_secret_may_hold_all_of_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("login"), r#"{"username":"Aladdin","password":"open sesame"}"#).unwrap();
    std::fs::write(folder.path().join("token"), "abc.def\n").unwrap();
    let worker = BuiltIn::new().unwrap().with_secrets(Secrets::folder(folder.path().to_owned()));
    for (scheme, name, wanted) in
        [("basic", "login", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), ("bearer", "token", "Bearer abc.def"), ("basic", "token", "")]
    {
        // It says back what it was told.
        let served = serve(|seen| Reply::json(&format!("{:?}", seen.header("authorization").unwrap_or_default()))).await;
        let call = Call {
            what: What::Action(Box::new(spec(written("GET")))),
            input: json(&format!(r#"{{"endpoint":"{}","authentication":{{"{scheme}":{{"use":"<>"}}}}}}"#, pets(&served))),
            secrets: vec![SecretSpan { pointer: format!("/authentication/{scheme}/use"), start: 0, end: 2, name: name.to_owned() }],
            key: String::new(),
            traceparent: TRACEPARENT.to_owned(),
            within_ms: 0,
            destinations: destinations(&[("api", &served.url)]),
        };
        let outcome = worker.carry_out(call).await;
        if wanted.is_empty() {
            assert_eq!((word(&outcome).as_str(), served.seen()), ("secret-unusable 422 for good", 0));
            continue;
        }
        assert_eq!(served.last().header("authorization").as_deref(), Some(wanted));
        let scheme = wanted.split(' ').next().unwrap();
        assert_eq!(done(outcome), json(&format!("\"{scheme} ***\"")), "no form of it comes back");
    }
}

/// Whether a digest answers the challenge, computed by the words of RFC 7616 and not by the code under test.
fn answers(seen: &Seen, algorithm: &str) -> bool {
    let Some(header) = seen.header("authorization") else { return false };
    let member = |name: &str| {
        let at =
            header.split([' ', ',']).find_map(|pair| pair.trim().strip_prefix(&format!("{name}=")).map(|v| v.trim_matches('"').to_owned()));
        at.unwrap_or_default()
    };
    let hex = |text: String| -> String {
        use sha2::Digest as _;
        let bytes = if algorithm == "MD5" { md5::Md5::digest(text).to_vec() } else { sha2::Sha256::digest(text).to_vec() };
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let (first, second) = (hex("maria:api:open sesame".to_owned()), hex(format!("GET:{}", member("uri"))));
    let wanted = hex(format!("{first}:n0nce:{}:{}:{}:{second}", member("nc"), member("cnonce"), member("qop")));
    member("uri") == "/pets?a=1" && member("opaque") == "o" && member("nonce") == "n0nce" && member("response") == wanted
}

#[tokio::test]
async fn digest_answers_the_challenge_once() {
    for algorithm in ["MD5", "SHA-256"] {
        let served = serve(move |seen| {
            if answers(seen, algorithm) {
                return Reply::json("\"in\"");
            }
            let headers = format!(
                "www-authenticate: Basic realm=\"api\"\r\nwww-authenticate: Digest realm=\"api\", qop=\"auth\", algorithm={algorithm}, nonce=\"n0nce\", opaque=\"o\"\r\n"
            );
            Reply { status: 401, headers, ..Reply::json("") }
        })
        .await;
        let ask = |password: &str| {
            let authentication = format!(r#"{{"digest":{{"username":"maria","password":"{password}"}}}}"#);
            let input = format!(r#"{{"endpoint":"{}?a=1","authentication":{authentication}}}"#, pets(&served));
            let url = served.url.clone();
            async move { carried(written("GET"), &input, &[("api", &url)]).await }
        };
        assert_eq!(done(ask("open sesame").await), json("\"in\""), "{algorithm}");
        assert_eq!(served.seen(), 2);
        assert_eq!(word(&ask("wrong").await), "communication 401 for good");
        assert_eq!(served.seen(), 4, "a refused answer is not given again");
    }
}

/// An authority that gives `token` for the form `wanted`, at `/realm` + `path`.
async fn authority(path: &'static str, wanted: &'static str, client: Option<&'static str>) -> Served {
    serve(move |seen| {
        let line = format!("POST /realm{path} HTTP/1.1");
        if seen.line == "GET /realm/.well-known/openid-configuration HTTP/1.1" {
            let host = seen.header("host").unwrap();
            return Reply::json(&format!(r#"{{"issuer":"x","token_endpoint":"http://{host}/realm{path}"}}"#));
        }
        let fits = seen.line == line && seen.body == wanted && seen.header("authorization").as_deref() == client;
        // Its claims are {"iss":"https://login.example"}.
        let token = "e30.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUifQ.s";
        if fits {
            Reply::json(&format!(r#"{{"access_token":"{token}","token_type":"Bearer"}}"#))
        } else {
            Reply { status: 400, ..Reply::json("{}") }
        }
    })
    .await
}

async fn token_call(target: &Served, authority: &Served, scheme: &str, members: &str) -> Attempted {
    let authentication = format!(r#"{{"{scheme}":{{"authority":"{}/realm",{members}}}}}"#, authority.url);
    let input = format!(r#"{{"endpoint":"{}","authentication":{authentication}}}"#, pets(target));
    carried(written("POST"), &input, &[("api", &target.url), ("login", &authority.url)]).await
}

#[tokio::test]
async fn tokens_are_asked_for_as_each_grant_and_client_says() {
    let target = wants("Bearer e30.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUifQ.s").await;
    for (scheme, path, members, form, client) in [
        (
            "oauth2",
            "/oauth2/token",
            r#""grant":"client_credentials","client":{"id":"me","secret":"s&s"},"scopes":["a","b"],"audiences":["x","y"]"#,
            "audience=x&audience=y&client_id=me&client_secret=s%26s&grant_type=client_credentials&scope=a%20b",
            None,
        ),
        (
            "oauth2",
            "/auth/token",
            r#""grant":"client_credentials","endpoints":{"token":"/auth/token"},"client":{"id":"me","secret":"s s","authentication":"client_secret_basic"}"#,
            "grant_type=client_credentials",
            Some("Basic bWU6cyUyMHM="),
        ),
        (
            "oauth2",
            "/oauth2/token",
            r#""grant":"password","username":"maria","password":"open sesame","client":{"id":"me","authentication":"none"}"#,
            "client_id=me&grant_type=password&password=open%20sesame&username=maria",
            None,
        ),
        (
            "oauth2",
            "/oauth2/token",
            r#""grant":"urn:ietf:params:oauth:grant-type:token-exchange","subject":{"token":"t","type":"jwt"},"actor":{"token":"u","type":"jwt"}"#,
            "actor_token=u&actor_token_type=jwt&grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token=t&subject_token_type=jwt",
            None,
        ),
        (
            "oauth2",
            "/oauth2/token",
            r#""grant":"client_credentials","client":{"id":"me","authentication":"private_key_jwt","assertion":"a.b.c"}"#,
            "client_assertion=a.b.c&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_id=me&grant_type=client_credentials",
            None,
        ),
        (
            "oauth2",
            "/oauth2/token",
            r#""grant":"client_credentials","client":{"id":"me","secret":"s"},"request":{"encoding":"application/json"}"#,
            r#"{"client_id":"me","client_secret":"s","grant_type":"client_credentials"}"#,
            None,
        ),
        (
            "oidc",
            "/discovered",
            r#""grant":"client_credentials","client":{"id":"me","secret":"s"},"issuers":["https://login.example"]"#,
            "client_id=me&client_secret=s&grant_type=client_credentials",
            None,
        ),
    ] {
        let authority = authority(path, form, client).await;
        let outcome = token_call(&target, &authority, scheme, members).await;
        assert_eq!(word(&outcome), "done", "{members}\n{:?}", authority.all());
    }
}

#[tokio::test]
async fn a_client_signs_with_its_secret_and_never_sends_it() {
    let target = serve(|_| Reply::json("1")).await;
    let authority = serve(|seen| {
        let signed = seen.body.starts_with("client_assertion=eyJ") && seen.body.ends_with("&client_id=me&grant_type=client_credentials");
        if signed && !seen.body.contains("shared") {
            Reply::json(r#"{"access_token":"t"}"#)
        } else {
            Reply { status: 400, ..Reply::json("{}") }
        }
    })
    .await;
    let members = r#""grant":"client_credentials","client":{"id":"me","secret":"shared","authentication":"client_secret_jwt"}"#;
    assert_eq!(word(&token_call(&target, &authority, "oauth2", members).await), "done", "{:?}", authority.all());
}

#[tokio::test]
async fn an_authority_may_be_named_by_its_configuration() {
    let target = serve(|_| Reply::json("1")).await;
    let form = "client_id=me&client_secret=s&grant_type=client_credentials";
    let authority = authority("/discovered", form, None).await;
    let with = format!(
        r#"{{"authority":"{}/realm/.well-known/openid-configuration","grant":"client_credentials","client":{{"id":"me","secret":"s"}}}}"#,
        authority.url
    );
    let input = format!(r#"{{"endpoint":"{}","authentication":{{"oidc":{with}}}}}"#, pets(&target));
    let bound = [("api", target.url.as_str()), ("login", authority.url.as_str())];
    assert_eq!(word(&carried(written("GET"), &input, &bound).await), "done", "{:?}", authority.all());
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    let target = serve(|_| Reply::json("1")).await;
    let client = r#""grant":"client_credentials","client":{"id":"me","secret":"s"}"#;
    for (reply, wanted) in [
        (Reply { status: 401, ..Reply::json("{}") }, "authentication 401 for good"),
        (Reply { status: 500, ..Reply::json("{}") }, "authentication 500 again"),
        (Reply::json("{}"), "authentication 401 for good"),
        (Reply::json(r#"{"access_token":"t","token_type":"mac"}"#), "authentication 401 for good"),
        (Reply::json("no json"), "authentication 502 for good"),
        (Reply::json(&"x".repeat(70_000)), "authentication 502 again"),
        (Reply::SILENT, "authentication 504 again"),
        (Reply::RESET, "authentication 504 again"),
        (Reply::redirect("/elsewhere"), "authentication 401 for good"),
    ] {
        let authority = serve(move |_| reply.clone()).await;
        assert_eq!(word(&token_call(&target, &authority, "oauth2", client).await), wanted);
    }
    let wrong = authority("/oauth2/token", "client_id=me&client_secret=s&grant_type=client_credentials", None).await;
    let members = format!(r#"{client},"issuers":["https://other.example"]"#);
    assert_eq!(word(&token_call(&target, &wrong, "oauth2", &members).await), "authentication 401 for good");
    assert_eq!(target.seen(), 0);
}

#[tokio::test]
async fn tokens_come_from_the_authority_and_nobody_else() {
    let target = serve(|_| Reply::json("1")).await;
    let asked = Arc::new(AtomicU32::new(0));
    let count = asked.clone();
    let thief = serve(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        Reply::json(r#"{"access_token":"t"}"#)
    })
    .await;
    let client = r#""grant":"client_credentials","client":{"id":"me","secret":"s"}"#;
    let elsewhere = thief.url.clone();
    let misled = serve(move |_| Reply::json(&format!(r#"{{"token_endpoint":"{elsewhere}/token"}}"#))).await;
    assert_eq!(word(&token_call(&target, &misled, "oidc", client).await), "token-endpoint-elsewhere 422 for good");
    let members = format!(r#"{client},"endpoints":{{"token":"{}/token"}}"#, thief.url);
    assert_eq!(word(&token_call(&target, &misled, "oauth2", &members).await), "token-endpoint-elsewhere 422 for good");
    // An authority that is not bound is not asked.
    let authentication = format!(r#"{{"oauth2":{{"authority":"{}",{client}}}}}"#, thief.url);
    let input = format!(r#"{{"endpoint":"{}","authentication":{authentication}}}"#, pets(&target));
    assert_eq!(word(&carried(written("GET"), &input, &[("api", &target.url)]).await), "destination-unknown 422 for good");
    assert_eq!((target.seen(), asked.load(Ordering::SeqCst)), (0, 0));
}
