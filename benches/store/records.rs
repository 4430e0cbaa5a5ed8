//! Generated Microsoft 365 records of about 950 bytes, in the form of the Management Activity API.

use std::io::Write;

use uuid::Uuid;

use super::chance::{SplitMix64, mix};
use super::people::{Zipf, id, ranked, ranks, upn};

const ORGANISATION: &str = "7f1c6f0e-5d1e-4f53-9a2c-3c1b7a2d9e10";
const AGENT: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Edg/121.0";

/// Writes a number of records, one per line.
pub(crate) fn write(records: u64, out: &mut impl Write) {
    let (public, hidden) = (Zipf::new(ranks(false)), Zipf::new(ranks(true)));
    for number in 0..records {
        let mut chance = SplitMix64::new(mix(number));
        let is_hidden = chance.below(10) == 0;
        let user = ranked(if is_hidden { &hidden } else { &public }.draw(&mut chance), is_hidden);
        let record = match chance.below(100) {
            0..45 => file(&mut chance, user, number),
            45..70 => mail(&mut chance, user, number),
            70..85 => message(&mut chance, user, number),
            _ => login(&mut chance, user, number),
        };
        writeln!(out, "{record}").unwrap();
    }
}

/// Removes the line breaks of a template.
fn one_line(record: &str) -> String {
    record.lines().map(str::trim_start).collect()
}

fn time(number: u64) -> String {
    let time = chrono::DateTime::from_timestamp(1_772_000_000 + number as i64 / 10, 0).unwrap();
    time.format("%Y-%m-%dT%H:%M:%S").to_string()
}

fn uuid(chance: &mut SplitMix64) -> Uuid {
    Uuid::from_u64_pair(chance.next() & !0xf000 | 0x4000, chance.next() >> 2 | 1 << 63)
}

fn address(chance: &mut SplitMix64) -> String {
    format!("10.{}.{}.{}", chance.below(256), chance.below(256), chance.below(256))
}

fn file(chance: &mut SplitMix64, user: u32, number: u64) -> String {
    let [record, correlation, list, item, site] = std::array::from_fn(|_| uuid(chance));
    let operation = ["FileAccessed", "FileModified", "FileDownloaded", "FilePreviewed"][chance.below(4) as usize];
    let (upn, address, time) = (upn(user), address(chance), time(number));
    let (upn, key) = (upn.as_str(), mix(user.into()) >> 28);
    let (plan, folder) = (chance.below(100_000), chance.below(1_000));
    one_line(&format!(
        r#"{{"CreationTime":"{time}","Id":"{record}","Operation":"{operation}",
        "OrganizationId":"{ORGANISATION}","RecordType":6,
        "UserKey":"i:0h.f|membership|1003{key:012x}@live.com","UserType":0,"Version":1,
        "Workload":"SharePoint","ClientIP":"{address}","UserId":"{upn}","CorrelationId":"{correlation}",
        "EventSource":"SharePoint","ItemType":"File","ListId":"{list}","ListItemUniqueId":"{item}",
        "Site":"{site}","UserAgent":"{AGENT}","SourceFileExtension":"docx",
        "SiteUrl":"https://contoso.sharepoint.com/sites/site-{folder}/","SourceFileName":"plan-{plan}.docx",
        "ObjectId":"https://contoso.sharepoint.com/sites/site-{folder}/Shared Documents/plan-{plan}.docx"}}"#
    ))
}

fn mail(chance: &mut SplitMix64, user: u32, number: u64) -> String {
    let [record, session] = std::array::from_fn(|_| uuid(chance));
    // These belong to the user.
    let mut of_user = SplitMix64::new(mix(user.into()));
    let (mailbox, sid) = (uuid(&mut of_user), of_user.below(1 << 20));
    let (owner, address, time) = (upn(user), address(chance), time(number));
    let (upn, key) = (owner.as_str(), mix(user.into()) >> 28);
    let [message, folder] = std::array::from_fn(|_| chance.next());
    one_line(&format!(
        r#"{{"CreationTime":"{time}","Id":"{record}","Operation":"MailItemsAccessed",
        "OrganizationId":"{ORGANISATION}","RecordType":50,"ResultStatus":"Succeeded",
        "UserKey":"1003{key:012x}","UserType":0,"Version":1,"Workload":"Exchange","UserId":"{upn}",
        "ClientIPAddress":"{address}","ClientInfoString":"Client=REST;Client=RESTSystem;;",
        "ExternalAccess":false,"InternalLogonType":0,"LogonType":0,
        "LogonUserSid":"S-1-5-21-1000-2000-3000-{sid}","MailboxGuid":"{mailbox}",
        "MailboxOwnerSid":"S-1-5-21-1000-2000-3000-{sid}","MailboxOwnerUPN":"{upn}",
        "OperationProperties":[{{"Name":"MailAccessType","Value":"Bind"}},{{"Name":"IsThrottled",
        "Value":"False"}}],"SessionId":"{session}",
        "Folders":[{{"FolderItems":[{{"InternetMessageId":"<{message:016x}@contoso.com>"}}],
        "Id":"LgAAAAB{folder:016x}AAAB","Path":"\\Inbox"}}],"OperationCount":1}}"#
    ))
}

fn message(chance: &mut SplitMix64, user: u32, number: u64) -> String {
    let [record, thread] = std::array::from_fn(|_| uuid(chance));
    let (owner, address, time, key) = (upn(user), address(chance), time(number), id(user));
    let (upn, key, message) = (owner.as_str(), key.as_str(), 1_772_000_000_000 + number * 100);
    let thread = thread.simple();
    one_line(&format!(
        r#"{{"CreationTime":"{time}","Id":"{record}","Operation":"MessageSent",
        "OrganizationId":"{ORGANISATION}","RecordType":25,"UserKey":"{key}","UserType":0,"Version":1,
        "Workload":"MicrosoftTeams","ClientIP":"{address}","UserId":"{upn}",
        "ChatThreadId":"19:{thread}@thread.v2","CommunicationType":"GroupChat",
        "ExtraProperties":[{{"Key":"TimeZone","Value":"Europe/Berlin"}},{{"Key":"OsName",
        "Value":"windows"}},{{"Key":"Country","Value":"de"}}],"MessageId":"{message}",
        "MessageVersion":"{message}","ItemName":"19:{thread}@thread.v2",
        "ParticipantInfo":{{"HasForeignTenantUsers":false,"HasGuestUsers":false,"HasOtherGuestUsers":false,
        "HasUnauthenticatedUsers":false,"ParticipatingTenantIds":["{ORGANISATION}"]}},
        "ResourceTenantId":"{ORGANISATION}"}}"#
    ))
}

fn login(chance: &mut SplitMix64, user: u32, number: u64) -> String {
    let [record, app] = std::array::from_fn(|_| uuid(chance));
    let (owner, address, time, key) = (upn(user), address(chance), time(number), id(user));
    let (upn, key) = (owner.as_str(), key.as_str());
    one_line(&format!(
        r#"{{"CreationTime":"{time}","Id":"{record}","Operation":"UserLoggedIn",
        "OrganizationId":"{ORGANISATION}","RecordType":15,"ResultStatus":"Success","UserKey":"{key}",
        "UserType":0,"Version":1,"Workload":"AzureActiveDirectory","ClientIP":"{address}",
        "ObjectId":"00000003-0000-0ff1-ce00-000000000000","UserId":"{upn}",
        "AzureActiveDirectoryEventType":1,"ExtendedProperties":[{{"Name":"UserAgent","Value":"{AGENT}"}},
        {{"Name":"RequestType","Value":"OAuth2:Authorize"}}],"ModifiedProperties":[],
        "Actor":[{{"ID":"{key}","Type":0}},{{"ID":"{upn}","Type":5}}],"ActorContextId":"{ORGANISATION}",
        "ActorIpAddress":"{address}","IntraSystemId":"{record}",
        "Target":[{{"ID":"00000003-0000-0ff1-ce00-000000000000","Type":0}}],"ApplicationId":"{app}",
        "ErrorNumber":"0"}}"#
    ))
}
