//! What failed calls come to, over the wire.

use aws_credential_types::provider::{SharedCredentialsProvider, error::CredentialsError, future::ProvideCredentials};
use hybridscaler_core::reading::Unknown;
use serde_json::json;

use super::{
    Access, Aws, Failure, Outcome, Permission,
    fake::{Answer, Fake, access},
};

const QUEUE: &str = "http://127.0.0.1/123456789012/orders";
const ROLE: &str = "arn:aws:iam::123456789012:role/scaler";

async fn read(aws: &Aws, access: &Access) -> Result<(), Failure> {
    let sqs = aws.clients(access).await.sqs;
    let needs = Permission {
        action: "sqs:GetQueueAttributes",
        resource: "arn:aws:sqs:eu-west-1:123456789012:orders".to_owned(),
    };
    let answer = sqs.get_queue_attributes().queue_url(QUEUE).send().await;
    answer.map(drop).map_err(|error| Failure::of(&error, &needs, access))
}

/// The failure that the server's answer comes to, and how often it was asked.
async fn failure(status: u16, code: &'static str) -> (Failure, usize) {
    let fake = Fake::serve(move |_, _| Answer::Error(status, code, "the server's words")).await;
    let failure = read(&fake.aws(), &access()).await.unwrap_err();
    (failure, fake.operations().len())
}

fn with_role() -> Access {
    Access { role_arn: Some(ROLE.to_owned()), ..access() }
}

#[tokio::test]
async fn a_refusal_names_the_policy_statement_that_allows_the_call() {
    let (failure, calls) = failure(400, "AccessDeniedException").await;
    let Failure { why, outcome, message } = failure;
    assert_eq!((why, outcome, calls), (Unknown::Forbidden, Outcome::NotCarriedOut, 1));
    assert_eq!(
        message,
        "sqs:GetQueueAttributes on arn:aws:sqs:eu-west-1:123456789012:orders: the server's words \
         (AccessDeniedException); allow it with {\"Effect\":\"Allow\",\"Action\":\"sqs:GetQueueAttributes\",\
         \"Resource\":\"arn:aws:sqs:eu-west-1:123456789012:orders\"}"
    );
}

#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    for code in ["QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"] {
        let (failure, calls) = failure(400, code).await;
        assert_eq!((failure.why, calls), (Unknown::NotFound, 1), "{failure}");
    }
}

#[tokio::test]
async fn a_read_that_is_throttled_or_fails_inside_aws_is_tried_twice() {
    let (throttled, calls) = failure(400, "ThrottlingException").await;
    assert_eq!((throttled.why, throttled.outcome, calls), (Unknown::Throttled, Outcome::NotCarriedOut, 2));
    let (broken, calls) = failure(500, "InternalFailure").await;
    assert_eq!((broken.why, broken.outcome, calls), (Unknown::Unreachable, Outcome::Unknown, 2));
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_invalid_and_may_have_been_carried_out() {
    let fake = Fake::serve(|_, _| Answer::Raw(200, "<html>a proxy's page</html>")).await;
    let failure = read(&fake.aws(), &access()).await.unwrap_err();
    assert_eq!((failure.why, failure.outcome), (Unknown::Invalid, Outcome::Unknown), "{failure}");
}

#[tokio::test]
async fn a_server_that_does_not_listen_is_unreachable_with_the_whole_chain_of_causes() {
    let aws = Fake::serve(|_, _| Answer::Hang).await.aws();
    tokio::task::yield_now().await;
    let failure = read(&aws, &access()).await.unwrap_err();
    assert_eq!((failure.why, failure.outcome), (Unknown::Unreachable, Outcome::Unknown), "{failure}");
    assert!(failure.message.contains("refused"), "{failure}");
}

#[tokio::test]
async fn without_credentials_nothing_is_sent() {
    #[derive(Debug)]
    struct Nobody;
    impl aws_credential_types::provider::ProvideCredentials for Nobody {
        fn provide_credentials<'a>(&'a self) -> ProvideCredentials<'a>
        where
            Self: 'a,
        {
            ProvideCredentials::ready(Err(CredentialsError::not_loaded("no provider of the chain has any")))
        }
    }
    let fake = Fake::serve(|_, _| Answer::Hang).await;
    let failure = read(&fake.aws_as(SharedCredentialsProvider::new(Nobody)), &access()).await.unwrap_err();
    assert_eq!((failure.why, failure.outcome), (Unknown::Forbidden, Outcome::NotCarriedOut), "{failure}");
    assert!(failure.message.contains("no AWS credentials"), "{failure}");
    assert!(failure.message.contains("no provider of the chain has any"), "{failure}");
    assert_eq!(fake.operations(), [""; 0]);
}

#[tokio::test]
async fn a_role_that_may_not_be_assumed_is_named_with_its_own_statement() {
    const DENIED: &str = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>\
                          <Message>not you</Message></Error></ErrorResponse>";
    let fake = Fake::serve(|_, _| Answer::Raw(403, DENIED)).await;
    let failure = read(&fake.aws(), &with_role()).await.unwrap_err();
    assert_eq!((failure.why, failure.outcome), (Unknown::Forbidden, Outcome::NotCarriedOut), "{failure}");
    assert_eq!(
        failure.message,
        format!(
            "sts:AssumeRole on {ROLE}: not you (AccessDenied); allow it with \
             {{\"Effect\":\"Allow\",\"Action\":\"sts:AssumeRole\",\"Resource\":\"{ROLE}\"}}"
        )
    );
    assert_eq!(fake.operations(), ["AssumeRole"]);
}

#[tokio::test]
async fn a_role_is_assumed_once_for_all_its_calls() {
    const ASSUMED: &str = "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIATEST</AccessKeyId>\
                           <SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>\
                           <Expiration>2100-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult>\
                           </AssumeRoleResponse>";
    let fake = Fake::serve(|operation, _| match operation {
        "AssumeRole" => Answer::Raw(200, ASSUMED),
        _ => Answer::Json(json!({"Attributes": {}})),
    })
    .await;
    let aws = fake.aws();
    read(&aws, &with_role()).await.unwrap();
    read(&aws, &with_role()).await.unwrap();
    assert_eq!(fake.operations(), ["AssumeRole", "GetQueueAttributes", "GetQueueAttributes"]);
}

#[tokio::test]
async fn however_much_the_server_says_a_message_is_one_short_line_with_its_mend() {
    let words: &'static str = Box::leak("many\nwords ".repeat(500).into_boxed_str());
    let fake = Fake::serve(move |_, _| Answer::Error(400, "AccessDeniedException", words)).await;
    let failure = read(&fake.aws(), &access()).await.unwrap_err();
    assert!(failure.message.len() <= 1024 && !failure.message.contains('\n'), "{failure}");
}
