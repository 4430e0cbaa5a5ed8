//! The fields that the reader looks up, and their names in the schema.

/// Declares the fields with their names.
macro_rules! fields {
    ($($field:ident $name:literal),+ $(,)?) => {
        /// A field that the reader looks up.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Field {
            $(#[doc = concat!("`", $name, "`")] $field),+
        }

        impl Field {
            const ALL: &[Self] = &[$(Self::$field),+];

            /// The number of fields.
            pub(super) const COUNT: usize = Self::ALL.len();

            /// Returns the name of the field in the schema.
            pub(super) const fn name(self) -> &'static str {
                match self {
                    $(Self::$field => $name),+
                }
            }
        }
    };
}

fields! {
    AadTarget "AADTarget",
    Actor "Actor",
    AuditData "AuditData",
    CreationDate "CreationDate",
    CreationDates "CreationDates",
    CreationTime "CreationTime",
    DestMailboxOwnerUpn "DestMailboxOwnerUPN",
    EndpointMetaData "EndpointMetaData",
    ExchangeMetaData "ExchangeMetaData",
    Id "Id",
    LogonType "LogonType",
    LogonTypeOfRow "Logon_Type",
    LogonUserSid "LogonUserSid",
    MailboxGuid "MailboxGuid",
    MailboxOwnerMasterAccountSid "MailboxOwnerMasterAccountSid",
    MailboxOwnerSid "MailboxOwnerSid",
    MailboxOwnerUpn "MailboxOwnerUPN",
    MailboxUpn "MailboxUPN",
    Members "Members",
    ObjectId "ObjectId",
    OfficeId "OfficeId",
    OfficeObjectId "OfficeObjectId",
    OfficeWorkload "OfficeWorkload",
    Operation "Operation",
    RecordId "RecordId",
    RecordType "RecordType",
    SendAsUserMailboxGuid "SendAsUserMailboxGuid",
    SendAsUserSmtp "SendAsUserSmtp",
    SendOnBehalfOfUserMailboxGuid "SendOnBehalfOfUserMailboxGuid",
    SendOnBehalfOfUserSmtp "SendOnBehalfOfUserSmtp",
    SharePointMetaData "SharePointMetaData",
    SourceRecordId "SourceRecordId",
    StartTime "Start_Time",
    Target "Target",
    TargetUserOrGroupName "TargetUserOrGroupName",
    TimeGenerated "TimeGenerated",
    TokenObjectId "TokenObjectId",
    UserId "UserId",
    UserKey "UserKey",
    UserSharedWith "UserSharedWith",
    UserType "UserType",
    Workload "Workload",
}

impl Field {
    /// Returns the number of the field of this name, which is compared without regard to case, or 0 if the reader does
    /// not look it up.
    pub(super) fn number_of(name: &str) -> u8 {
        let field = Self::ALL.iter().find(|field| field.name().eq_ignore_ascii_case(name));
        field.map_or(0, |field| field.number())
    }

    /// Returns the number of the field, which is above 0.
    pub(super) const fn number(self) -> u8 {
        self as u8 + 1
    }
}
