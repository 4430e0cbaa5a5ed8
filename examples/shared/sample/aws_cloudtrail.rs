//! Events of AWS CloudTrail, as one object `Records` like a log file of a trail.

use super::{AWS_ACCOUNTS, PEOPLE, address, append, network, person, pick, scatter, time};

const ACCOUNT: &str = "111122223333";
const ROLE: &str = "AWSReservedSSO_Developer_0123456789abcdef";

/// The service, the action, and a parameter of the request.
const EVENTS: &[(&str, &str, &str, &str)] = &[
    ("s3.amazonaws.com", "GetObject", "bucketName", "contoso-plans"),
    ("s3.amazonaws.com", "PutObject", "bucketName", "contoso-plans"),
    ("ec2.amazonaws.com", "DescribeInstances", "maxResults", "100"),
    ("kms.amazonaws.com", "Decrypt", "encryptionAlgorithm", "SYMMETRIC_DEFAULT"),
    ("iam.amazonaws.com", "ListUsers", "pathPrefix", "/"),
    ("lambda.amazonaws.com", "GetFunction20150331v2", "functionName", "reports"),
];

/// Returns the events of a day, as one log file.
pub(crate) fn day(events: usize) -> String {
    let mut file = "{\"Records\":[".to_owned();
    for number in 0..events {
        file.push_str(if number > 0 { "," } else { "" });
        file.push_str(&event(number));
    }
    file.push_str("]}\n");
    file
}

/// Returns an event as one line without its end.
pub(crate) fn event(number: usize) -> String {
    let dice = scatter(number ^ 0xa750);
    let (service, action, parameter, value) = pick(EVENTS, dice);
    let (time, network, actor) = (time(2, number * 5), network(dice >> 12), actor(dice >> 24, number));
    let mut record = String::new();
    append(
        &mut record,
        &format!(
            r#"{{"eventVersion":"1.10","userIdentity":{actor},"eventTime":"{time}Z","eventSource":"{service}",
            "eventName":"{action}","awsRegion":"eu-central-1","sourceIPAddress":"{network}",
            "userAgent":"aws-cli/2.22.0 md/awscrt#0.22.0 ua/2.0 os/linux#6.8 md/arch#x86_64 lang/python#3.12",
            "requestParameters":{{"{parameter}":"{value}"}},"responseElements":null,
            "requestID":"{:08x}-2222-4000-8000-{number:012x}","eventID":"{:08x}-3333-4000-8000-{number:012x}",
            "readOnly":true,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"{ACCOUNT}",
            "eventCategory":"Management","tlsDetails":{{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader":"{service}"}}}}"#,
            scatter(number ^ 0x33) >> 32,
            dice >> 32,
        ),
    );
    record
}

/// Returns an identity: usually the session of a person in a role; sometimes an account of a person, a service, or an
/// instance.
fn actor(dice: u64, number: usize) -> String {
    let context = |role: &str| {
        format!(
            "\"sessionContext\":{{\"sessionIssuer\":{{\"type\":\"Role\",\"principalId\":\"AROAEXAMPLE\",\
             \"arn\":\"arn:aws:iam::{ACCOUNT}:role/{role}\",\"accountId\":\"{ACCOUNT}\",\"userName\":\"{role}\"}},\
             \"attributes\":{{\"creationDate\":\"{}Z\",\"mfaAuthenticated\":\"false\"}}}}",
            time(2, number / 50 * 250)
        )
    };
    let session = |role: &str, name: &str| {
        format!(
            "{{\"type\":\"AssumedRole\",\"principalId\":\"AROAEXAMPLE:{name}\",\
             \"arn\":\"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{name}\",\"accountId\":\"{ACCOUNT}\",\
             \"accessKeyId\":\"ASIAEXAMPLE\",{}}}",
            context(role)
        )
    };
    match dice % 100 {
        0..8 => "{\"type\":\"AWSService\",\"invokedBy\":\"autoscaling.amazonaws.com\"}".to_owned(),
        8..20 => session("web-server", &format!("i-0{:015x}", dice % 5)),
        20..40 => {
            let number = AWS_ACCOUNTS.start + (dice >> 8) as usize % AWS_ACCOUNTS.len();
            let name = person(number);
            format!(
                "{{\"type\":\"IAMUser\",\"principalId\":\"AIDAEXAMPLE{number:04}\",\
                 \"arn\":\"arn:aws:iam::{ACCOUNT}:user/{name}\",\"accountId\":\"{ACCOUNT}\",\
                 \"accessKeyId\":\"AKIAEXAMPLE\",\"userName\":\"{name}\"}}"
            )
        }
        _ => session(ROLE, &address((dice >> 8) as usize % PEOPLE.len())),
    }
}
