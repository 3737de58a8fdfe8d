//! Who may read figures: whom the API server knows by the token (`TokenReview`) and lets `get` `/metrics`
//! (`SubjectAccessReview`).
//!
//! What it says holds for a short time, so that a scrape every few seconds is not two requests each time, and a token that
//! was taken back is not good for long. Where it does not answer, nobody is let in.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use frrk8s_api::k8s::{
    NonResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec, TokenReview, TokenReviewSpec,
    UserInfo,
};
use kube::api::{Api, ObjectMeta, PostParams};
use kube::{Client, Error};
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing::warn;

use crate::report::with_sources;

/// How long a yes holds, and a no.
const ALLOWED_FOR: Duration = Duration::from_secs(30);
const REFUSED_FOR: Duration = Duration::from_secs(10);
/// How many answers are remembered.
const ANSWERS_MAX: usize = 256;
/// How many questions may be with the API server: who guesses tokens keeps it no busier than that.
const QUESTIONS_MAX: usize = 2;
/// How long one may take, the wait for its turn included.
const QUESTION_LIMIT: Duration = Duration::from_secs(5);
/// Longer than any token.
const TOKEN_BYTES_MAX: usize = 16 * 1024;
/// What is read.
const PATH: &str = "/metrics";

/// What the API server says of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Its owner may read.
    Allowed,
    /// Its owner may not.
    Forbidden,
    /// It is nobody's.
    Unknown,
}

impl Answer {
    fn holds_for(&self) -> Duration {
        match self {
            Self::Allowed => ALLOWED_FOR,
            Self::Forbidden | Self::Unknown => REFUSED_FOR,
        }
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum ReviewError {
    #[error("the API server does not say whose the token is")]
    Token(#[source] Error),
    #[error("the API server does not say what its owner may do")]
    Access(#[source] Error),
    #[error("the API server does not answer within {QUESTION_LIMIT:?}")]
    Late,
}

/// Who asks the API server.
pub struct Reviewer {
    client: Client,
    /// By a digest: tokens are not kept.
    answers: Mutex<BTreeMap<[u8; 32], (Instant, Answer)>>,
    questions: Semaphore,
    complained: Mutex<Option<Instant>>,
}

impl Reviewer {
    pub fn new(client: Client) -> Self {
        let questions = Semaphore::new(QUESTIONS_MAX);
        Self { client, answers: Mutex::default(), questions, complained: Mutex::default() }
    }

    /// Whether the owner of a token may read figures.
    async fn answer(&self, token: &str) -> Result<Answer, ReviewError> {
        let key: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if let Some(answer) = self.remembered(&key) {
            return Ok(answer);
        }
        let asked = timeout(QUESTION_LIMIT, async {
            let _turn = self.questions.acquire().await;
            match self.remembered(&key) {
                // Somebody else asked meanwhile.
                Some(answer) => Ok(answer),
                None => self.ask(token).await,
            }
        });
        let answer = asked.await.unwrap_or(Err(ReviewError::Late))?;
        self.remember(key, answer.clone());
        Ok(answer)
    }

    fn remembered(&self, key: &[u8; 32]) -> Option<Answer> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, answer) = answers.get(key)?;
        (at.elapsed() < answer.holds_for()).then(|| answer.clone())
    }

    fn remember(&self, key: [u8; 32], answer: Answer) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.retain(|_, (at, answer)| at.elapsed() < answer.holds_for());
        if answers.len() >= ANSWERS_MAX {
            let oldest = answers.iter().min_by_key(|(_, (at, _))| *at).map(|(key, _)| *key);
            oldest.and_then(|key| answers.remove(&key));
        }
        answers.insert(key, (Instant::now(), answer));
    }

    async fn ask(&self, token: &str) -> Result<Answer, ReviewError> {
        let spec = TokenReviewSpec { token: Some(token.to_owned()), audiences: None };
        let review = TokenReview { metadata: ObjectMeta::default(), spec, status: None };
        let reviews: Api<TokenReview> = Api::all(self.client.clone());
        let review = reviews.create(&PostParams::default(), &review).await.map_err(ReviewError::Token)?;
        let status = review.status.unwrap_or_default();
        let Some(user) = status.user.filter(|_| status.authenticated == Some(true)) else {
            return Ok(Answer::Unknown);
        };
        let review = SubjectAccessReview { spec: access(user), ..SubjectAccessReview::default() };
        let reviews: Api<SubjectAccessReview> = Api::all(self.client.clone());
        let review = reviews.create(&PostParams::default(), &review).await.map_err(ReviewError::Access)?;
        let is_allowed = review.status.is_some_and(|status| status.allowed && status.denied != Some(true));
        Ok(if is_allowed { Answer::Allowed } else { Answer::Forbidden })
    }

    /// Says what is in the way, once a minute.
    fn complain(&self, error: &ReviewError) {
        let mut complained = self.complained.lock().unwrap_or_else(PoisonError::into_inner);
        if complained.is_none_or(|at| at.elapsed() > Duration::from_mins(1)) {
            warn!("nobody can read figures: {}", with_sources(error));
            *complained = Some(Instant::now());
        }
    }
}

fn access(user: UserInfo) -> SubjectAccessReviewSpec {
    let attributes = NonResourceAttributes { path: Some(PATH.to_owned()), verb: Some("get".to_owned()) };
    SubjectAccessReviewSpec {
        extra: user.extra,
        groups: user.groups,
        non_resource_attributes: Some(attributes),
        uid: user.uid,
        user: user.username,
        ..SubjectAccessReviewSpec::default()
    }
}

/// The token of a request: `Authorization: Bearer TOKEN`.
fn token(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    let is_one = scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.len() <= TOKEN_BYTES_MAX;
    is_one.then_some(token)
}

/// Lets those through who may read.
pub async fn review(State(reviewer): State<Arc<Reviewer>>, request: Request, next: Next) -> Response {
    let Some(token) = token(request.headers()) else {
        return unknown("a token is needed: Authorization: Bearer TOKEN\n");
    };
    match reviewer.answer(token).await {
        Ok(Answer::Allowed) => next.run(request).await,
        Ok(Answer::Forbidden) => {
            let text = format!("the owner of the token may not get {PATH} (nonResourceURLs)\n");
            (StatusCode::FORBIDDEN, text).into_response()
        }
        Ok(Answer::Unknown) => unknown("the API server does not know the token\n"),
        Err(error) => {
            reviewer.complain(&error);
            (StatusCode::SERVICE_UNAVAILABLE, "the API server does not say who may read\n").into_response()
        }
    }
}

fn unknown(text: &'static str) -> Response {
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")], text).into_response()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn headers(value: &str) -> HeaderMap {
        [(header::AUTHORIZATION, value.parse().unwrap())].into_iter().collect()
    }

    #[test]
    fn a_token_comes_as_a_bearers() {
        assert_eq!(token(&headers("Bearer abc")), Some("abc"));
        assert_eq!(token(&headers("bearer  abc ")), Some("abc"));
        for none in ["abc", "Basic abc", "Bearer", "Bearer  ", &format!("Bearer {}", "x".repeat(20_000))] {
            assert_eq!(token(&headers(none)), None, "{none}");
        }
        assert_eq!(token(&HeaderMap::new()), None);
    }
}
