//! A target on loopback that hears bodies and answers them; it listens until the test ends.

use axum::Router;
use axum::http::header::CONTENT_TYPE;

/// Its URL. Each body that it hears is answered by what `answer` makes of it, as JSON.
pub fn target(answer: impl Fn(String) -> String + Clone + Send + Sync + 'static) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let hears = move |body: String| async move { ([(CONTENT_TYPE, "application/json")], answer(body)) };
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, Router::new().fallback(hears)).await.unwrap();
        });
    });
    url
}
