//! AWS CloudTrail, from log files, the API, EventBridge and the table of Microsoft Sentinel.

use serde_json::{Value, json};

use crate::reading::{actor, actor_of, has_object, on_behalf_of, one, principals_of, read, rejection, with};

const MAP: &str = "aws_cloudtrail";
const TABLE: &str = "aws_cloudtrail_sentinel";
const ROLE: &str = "AROAEXAMPLEROLE000001";

pub(crate) fn samples() -> Vec<(&'static str, Value)> {
    vec![(MAP, record(iam_user())), (TABLE, table())]
}

fn iam_user() -> Value {
    json!({
        "type": "IAMUser", "principalId": "AIDAEXAMPLEUSER000001", "arn": "arn:aws:iam::111122223333:user/finance/adele",
        "accountId": "111122223333", "accessKeyId": "AKIAEXAMPLE", "userName": "adele"
    })
}

fn record(identity: Value) -> Value {
    json!({
        "eventVersion": "1.09", "userIdentity": identity, "eventTime": "2026-03-02T08:15:30Z",
        "eventSource": "s3.amazonaws.com", "eventName": "PutBucketPolicy", "awsRegion": "eu-central-1",
        "sourceIPAddress": "192.0.2.17", "userAgent": "aws-cli/2.15",
        "requestParameters": {"bucketName": "contoso-salaries"}, "responseElements": null,
        "requestID": "EXAMPLE", "eventID": "5f2d3c1b-4a59-4687-9e0f-a1b2c3d4e5f6", "readOnly": false,
        "resources": [{"ARN": "arn:aws:s3:::contoso-salaries", "accountId": "111122223333", "type": "AWS::S3::Bucket"}],
        "eventType": "AwsApiCall", "managementEvent": true, "recipientAccountId": "111122223333", "eventCategory": "Management"
    })
}

/// Returns the identity of a session of a role.
fn session(name: &str) -> Value {
    json!({
        "type": "AssumedRole", "principalId": format!("{ROLE}:{name}"),
        "arn": format!("arn:aws:sts::111122223333:assumed-role/Auditor/{name}"), "accountId": "111122223333",
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role", "principalId": ROLE, "arn": "arn:aws:iam::111122223333:role/Auditor",
                "accountId": "111122223333", "userName": "Auditor"
            },
            "webIdFederationData": {}, "attributes": {"creationDate": "2026-03-02T08:00:00Z", "mfaAuthenticated": "true"}
        }
    })
}

/// Returns the row of the table with the same fields as an IAM user's record.
fn table() -> Value {
    json!({
        "TenantId": "11111111-2222-4333-8444-555555555555", "TimeGenerated": "2026-03-02T08:15:30Z",
        "AwsEventId": "5f2d3c1b-4a59-4687-9e0f-a1b2c3d4e5f6", "EventVersion": "1.09", "EventTypeName": "AwsApiCall",
        "EventName": "PutBucketPolicy", "EventSource": "s3.amazonaws.com", "UserIdentityType": "IAMUser",
        "UserIdentityPrincipalid": "AIDAEXAMPLEUSER000001",
        "UserIdentityArn": "arn:aws:iam::111122223333:user/finance/adele", "UserIdentityUserName": "adele",
        "RequestParameters": "{\"bucketName\":\"contoso-salaries\"}", "Type": "AWSCloudTrail"
    })
}

/// Returns the actor of a record with this identity.
fn by(identity: Value) -> String {
    actor_of(MAP, &record(identity))
}

#[test]
fn b1_cloudtrail_record_has_id_time_action_app() {
    let activity = one(MAP, &record(iam_user()));
    assert_eq!(super::reading::source_id(&activity), "5f2d3c1b-4a59-4687-9e0f-a1b2c3d4e5f6");
    assert_eq!(activity.occurred_at().to_rfc3339(), "2026-03-02T08:15:30+00:00");
    assert_eq!(activity.action().as_str(), "PutBucketPolicy");
    assert_eq!(activity.app().name().as_str(), "s3.amazonaws.com");
    assert_eq!(activity.app().suite().unwrap().as_str(), "AWS");
    assert!(has_object(&activity, "contoso-salaries") && has_object(&activity, "arn:aws:s3:::contoso-salaries"));
}

#[test]
fn b1_cloudtrail_is_read_from_every_wrapper() {
    let record = record(iam_user());
    let wrapped = [
        json!({"Records": [record.clone(), record.clone()]}),
        json!({"Events": [
            {"EventId": "1", "EventName": "PutBucketPolicy", "EventTime": "2026-03-02T09:15:30+01:00", "Username": "adele",
             "Resources": [], "CloudTrailEvent": record.to_string()},
            record.clone(),
        ]}),
        json!([
            {"version": "0", "detail-type": "AWS API Call via CloudTrail", "source": "aws.s3", "detail": record.clone()},
            {"@timestamp": "2026-03-02T08:15:31Z", "event": {"original": record.to_string()}},
        ]),
        json!({"logEvents": [
            {"id": "1", "timestamp": 1_772_439_330_000_i64, "message": record.to_string()},
            {"id": "2", "timestamp": 1_772_439_330_000_i64, "message": record.to_string()},
        ]}),
    ];
    for wrapped in wrapped {
        let items = read(MAP, wrapped.to_string());
        assert_eq!(items.len(), 2, "{wrapped}");
        for item in items {
            let activity = item.unwrap();
            assert_eq!(super::reading::source_id(&activity), "5f2d3c1b-4a59-4687-9e0f-a1b2c3d4e5f6");
            assert_eq!(actor(&activity), "user AWS:adele, userkey:AIDAEXAMPLEUSER000001");
        }
    }
}

#[test]
fn b1_digest_of_log_files_is_rejected() {
    let digest = json!({
        "awsAccountId": "111122223333", "digestStartTime": "2026-03-02T07:15:30Z", "digestEndTime": "2026-03-02T08:15:30Z",
        "digestS3Bucket": "contoso-trail", "logFiles": []
    });
    assert!(rejection(MAP, &digest).contains("digest"));
}

#[test]
fn d9_iam_user_is_an_account_of_aws() {
    assert_eq!(by(iam_user()), "user AWS:adele, userkey:AIDAEXAMPLEUSER000001");
    let without_name = with(&iam_user(), json!({"userName": null}));
    assert_eq!(by(without_name), "user AWS:adele, userkey:AIDAEXAMPLEUSER000001");
    let address = with(&iam_user(), json!({"userName": "adele@contoso.example", "arn": null}));
    assert_eq!(by(address), "user adele@contoso.example, userkey:AIDAEXAMPLEUSER000001");
}

#[test]
fn d9_forward_access_by_service_keeps_the_person() {
    let identity = with(&iam_user(), json!({"invokedBy": "cloudformation.amazonaws.com"}));
    assert_eq!(by(identity), "user AWS:adele, userkey:AIDAEXAMPLEUSER000001");
    let identity = with(&session("adele@contoso.example"), json!({"invokedBy": "cloudformation.amazonaws.com"}));
    assert_eq!(by(identity), "user adele@contoso.example");
}

#[test]
fn d9_session_of_role_is_the_person_named() {
    assert_eq!(by(session("adele@contoso.example")), "user adele@contoso.example");
    assert_eq!(by(session("adele.vance")), "user AWS session:adele.vance");
    // The role of IAM Identity Center has the name of its user.
    let center = with(
        &session("adele@contoso.example"),
        json!({"sessionContext": {"sessionIssuer": {
            "arn": "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0123"
        }}}),
    );
    assert_eq!(by(center), "user adele@contoso.example");
    let only_arn = with(&session("adele"), json!({"principalId": null}));
    assert_eq!(by(only_arn), "user AWS session:adele");
    let without_arn = with(&session("adele"), json!({"arn": null, "sessionContext": null}));
    assert_eq!(by(without_arn), "user AWS session:adele");
}

#[test]
fn d9_source_identity_comes_before_session_name() {
    let chained = with(&session("deployment"), json!({"sessionContext": {"sourceIdentity": "adele@contoso.example"}}));
    assert_eq!(by(chained), "user adele@contoso.example, AWS session:deployment");
    // A person who acts in the session of an instance, or in one with the name of the software.
    for name in ["i-0123456789abcdef0", "botocore-session-1772439330"] {
        let chained = with(&session(name), json!({"sessionContext": {"sourceIdentity": "adele"}}));
        assert_eq!(by(chained), format!("user AWS session:adele, AWS session:{name}"));
    }
}

#[test]
fn d7_session_of_instance_is_application() {
    for name in ["i-0123456789abcdef0", "mi-0123456789abcdef0"] {
        assert_eq!(by(session(name)), "application \"Auditor\"");
    }
    let another_account =
        json!({"type": "AWSAccount", "principalId": format!("{ROLE}:i-0123456789abcdef0"), "arn": "arn:x"});
    assert_eq!(by(another_account), "application \"arn:x\"");
    // A role may have such a name, and a person another session.
    let role = with(&session("adele"), json!({"arn": "arn:aws:sts::111122223333:assumed-role/i-0run/adele"}));
    assert_eq!(by(role), "user AWS session:adele");
}

#[test]
fn d7_service_linked_role_is_application() {
    let linked = with(
        &session("AutoScaling"),
        json!({"invokedBy": "autoscaling.amazonaws.com", "sessionContext": {"sessionIssuer": {
            "arn": "arn:aws:iam::111122223333:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling",
            "userName": "AWSServiceRoleForAutoScaling"
        }}}),
    );
    assert_eq!(by(linked), "application \"AWSServiceRoleForAutoScaling\"");
    let service = with(
        &session("AWSCodeBuild-0123"),
        json!({"invokedBy": "codebuild.amazonaws.com", "sessionContext": {"sessionIssuer": {
            "arn": "arn:aws:iam::111122223333:role/service-role/codebuild", "userName": "codebuild"
        }}}),
    );
    assert_eq!(by(service), "application \"codebuild\"");
    let pod = with(
        &session("botocore-session-1"),
        json!({"sessionContext": {"webIdFederationData": {
            "federatedProvider": "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/0A1B"
        }}}),
    );
    assert_eq!(by(pod), "application \"Auditor\"");
}

#[test]
fn d9_doubtful_session_name_is_a_user() {
    // A name that a person may have chosen, and a service role without its service.
    let by_service = with(
        &session("adele"),
        json!({"invokedBy": "cloudformation.amazonaws.com", "sessionContext": {"sessionIssuer": {
            "arn": "arn:aws:iam::111122223333:role/service-role/lambda"
        }}}),
    );
    assert_eq!(by(by_service), "user AWS session:adele");
    assert_eq!(by(session("nightly-report")), "user AWS session:nightly-report");
    assert_eq!(by(session("AutoScaling")), "user AWS session:AutoScaling");
    let by_person = with(
        &session("adele"),
        json!({"sessionContext": {"sessionIssuer": {"arn": "arn:aws:iam::111122223333:role/service-role/lambda"}}}),
    );
    assert_eq!(by(by_person), "user AWS session:adele");
}

#[test]
fn d9_session_name_of_software_is_unknown() {
    for name in ["botocore-session-1772439330", "aws-go-sdk-1772439330", "AWSCLI-Session"] {
        assert_eq!(by(session(name)), format!("unknown userkey:{ROLE}:{name}"));
    }
}

#[test]
fn d9_root_is_a_user_without_name() {
    let root = json!({
        "type": "Root", "principalId": "111122223333", "arn": "arn:aws:iam::111122223333:root",
        "accountId": "111122223333", "userName": "contoso"
    });
    assert_eq!(by(root), "user userkey:arn:aws:iam::111122223333:root, userkey:111122223333");
}

#[test]
fn d7_aws_service_is_application() {
    assert_eq!(
        by(json!({"type": "AWSService", "invokedBy": "ec2.amazonaws.com"})),
        "application \"ec2.amazonaws.com\""
    );
    let mut event = record(json!({"accountId": "111122223333", "invokedBy": "ec2.amazonaws.com"}));
    event["eventType"] = json!("AwsServiceEvent");
    assert_eq!(actor_of(MAP, &event), "application \"ec2.amazonaws.com\"");
    // The service is only the means of a person.
    let named = json!({"accountId": "1", "invokedBy": "ec2.amazonaws.com", "userName": "adele"});
    assert_eq!(by(named), "user AWS session:adele");
}

#[test]
fn d9_federated_user_is_the_person_and_issuer() {
    let federated = json!({
        "type": "FederatedUser", "principalId": "111122223333:adele",
        "arn": "arn:aws:sts::111122223333:federated-user/adele",
        "sessionContext": {"sessionIssuer": {
            "type": "IAMUser", "principalId": "AIDABROKER", "arn": "arn:aws:iam::111122223333:user/broker", "userName": "broker"
        }}
    });
    assert_eq!(
        principals_of(MAP, &record(federated)),
        ["user AWS session:adele", "user AWS:broker, userkey:AIDABROKER"]
    );
}

#[test]
fn d9_saml_and_web_identity_users_are_persons() {
    let saml = json!({
        "type": "SAMLUser", "principalId": "ExampleQualifier=:adele@contoso.example", "userName": "adele@contoso.example",
        "identityProvider": "https://login.contoso.example"
    });
    assert_eq!(by(saml), "user adele@contoso.example");
    let web = json!({
        "type": "WebIdentityUser", "principalId": "accounts.google.com:app-1:104812045571190377164",
        "userName": "104812045571190377164", "identityProvider": "accounts.google.com"
    });
    assert_eq!(by(web), "user userkey:104812045571190377164, userkey:accounts.google.com:app-1:104812045571190377164");
    let pod =
        json!({"type": "WebIdentityUser", "userName": "system:serviceaccount:payroll:worker", "principalId": "x"});
    assert_eq!(by(pod), "application \"system:serviceaccount:payroll:worker\"");
    let workflow = json!({
        "type": "WebIdentityUser", "userName": "repo:contoso/payroll:ref:refs/heads/main",
        "identityProvider": "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"
    });
    assert_eq!(by(workflow), "application \"repo:contoso/payroll:ref:refs/heads/main\"");
}

#[test]
fn d9_identity_center_user_is_on_behalf_of() {
    let center = json!({
        "type": "IdentityCenterUser", "accountId": "111122223333",
        "onBehalfOf": {"userId": "b4a8d4e8-0001-7000-aaaa-000000000001", "identityStoreArn": "arn:aws:identitystore::1:identitystore/d-1"},
        "credentialId": "EXAMPLE"
    });
    assert_eq!(by(center.clone()), "user AWS IAM Identity Center:b4a8d4e8-0001-7000-aaaa-000000000001");
    let mut sign_in = record(center);
    sign_in["eventSource"] = json!("signin.amazonaws.com");
    sign_in["additionalEventData"] = json!({"UserName": "adele@contoso.example", "CredentialType": "PASSWORD"});
    assert_eq!(
        actor_of(MAP, &sign_in),
        "user adele@contoso.example, AWS IAM Identity Center:b4a8d4e8-0001-7000-aaaa-000000000001"
    );
    sign_in["additionalEventData"]["UserName"] = json!("HIDDEN_DUE_TO_SECURITY_REASONS");
    assert_eq!(actor_of(MAP, &sign_in), "unknown");
    // A role that acts for a user.
    let role = with(&session("application"), json!({"onBehalfOf": {"userId": "b4a8d4e8-0001-7000-aaaa-000000000001"}}));
    assert_eq!(
        on_behalf_of(&one(MAP, &record(role))),
        ["user AWS IAM Identity Center:b4a8d4e8-0001-7000-aaaa-000000000001"]
    );
}

#[test]
fn d9_another_account_without_session_is_unknown() {
    let user = json!({"type": "AWSAccount", "principalId": "AIDAOTHER", "accountId": "444455556666"});
    assert_eq!(by(user), "unknown userkey:AIDAOTHER");
    let anonymous = json!({"type": "AWSAccount", "principalId": "", "accountId": "anonymous"});
    assert_eq!(by(anonymous), "unknown");
    let person =
        json!({"type": "AWSAccount", "principalId": "AROAOTHER:ben@fabrikam.example", "accountId": "444455556666"});
    assert_eq!(by(person), "user ben@fabrikam.example");
    let named = json!({"type": "AWSAccount", "principalId": "AIDAOTHER", "arn": "arn:aws:iam::444455556666:user/ben"});
    assert_eq!(by(named), "user AWS:ben, userkey:AIDAOTHER");
}

#[test]
fn d9_hidden_name_of_failed_sign_in_is_unknown() {
    let mut sign_in = record(json!({
        "type": "IAMUser", "accountId": "111122223333", "accessKeyId": "", "userName": "HIDDEN_DUE_TO_SECURITY_REASONS"
    }));
    sign_in["eventSource"] = json!("signin.amazonaws.com");
    sign_in["eventName"] = json!("ConsoleLogin");
    sign_in["responseElements"] = json!({"ConsoleLogin": "Failure"});
    assert_eq!(actor_of(MAP, &sign_in), "unknown");
    sign_in["userIdentity"]["userName"] = json!("adele");
    assert_eq!(actor_of(MAP, &sign_in), "user AWS:adele");
}

#[test]
fn d9_record_without_identity_is_unknown() {
    for identity in
        [json!(null), json!({}), json!({"type": "Unknown"}), json!({"type": "AssumedRole", "principalId": ROLE})]
    {
        assert!(by(identity).starts_with("unknown"));
    }
}

#[test]
fn d6_insight_names_whom_it_is_about() {
    let insight = json!({
        "eventVersion": "1.07", "eventTime": "2026-03-02T08:15:00Z", "awsRegion": "eu-central-1",
        "eventID": "insight-1", "eventType": "AwsCloudTrailInsight", "recipientAccountId": "111122223333",
        "insightDetails": {
            "state": "Start", "eventSource": "iam.amazonaws.com", "eventName": "CreateAccessKey", "insightType": "ApiCallRateInsight",
            "insightContext": {"attributions": [{"attribute": "userIdentityArn", "insight": [
                {"value": "arn:aws:sts::111122223333:assumed-role/Auditor/adele@contoso.example", "average": 3.5}
            ]}]}
        },
        "eventCategory": "Insight"
    });
    let activity = one(MAP, &insight);
    assert_eq!((actor(&activity), activity.action().as_str()), ("unknown".to_owned(), "CreateAccessKey"));
    assert_eq!(on_behalf_of(&activity), ["user adele@contoso.example"]);
}

#[test]
fn d9_row_of_table_names_same_persons() {
    assert_eq!(actor_of(TABLE, &table()), "user AWS:adele, userkey:AIDAEXAMPLEUSER000001");
    let session = with(
        &table(),
        json!({
            "UserIdentityType": "AssumedRole", "UserIdentityPrincipalid": format!("{ROLE}:adele@contoso.example"),
            "UserIdentityArn": "arn:aws:sts::111122223333:assumed-role/Auditor/adele@contoso.example", "UserIdentityUserName": ""
        }),
    );
    assert_eq!(actor_of(TABLE, &session), "user adele@contoso.example");
    let instance = with(
        &table(),
        json!({
            "UserIdentityType": "AssumedRole", "UserIdentityPrincipalid": format!("{ROLE}:i-0123456789abcdef0"),
            "UserIdentityUserName": "", "SessionIssuerUserName": "Auditor"
        }),
    );
    assert_eq!(actor_of(TABLE, &instance), "application \"Auditor\"");
    let service = with(
        &table(),
        json!({
            "UserIdentityType": "AWSService", "UserIdentityInvokedBy": "ec2.amazonaws.com", "UserIdentityUserName": ""
        }),
    );
    assert_eq!(actor_of(TABLE, &service), "application \"ec2.amazonaws.com\"");
    let portal = with(&table(), json!({"TimeGenerated": null, "TimeGenerated [UTC]": "3/2/2026, 8:15:30.000 AM"}));
    assert_eq!(one(TABLE, &portal).occurred_at().to_rfc3339(), "2026-03-02T08:15:30+00:00");
    assert!(has_object(&one(TABLE, &portal), "contoso-salaries"));
}
