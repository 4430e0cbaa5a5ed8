//! The rules that this crate keeps, in full. The name of each test begins with the number of its rule.
//!
//! An **activity** is one thing that an **actor** did in an app. A **principal** is the actor, or a person on whose
//! behalf it acted. A **group** is imported under an immutable id, or is one of the two built-in groups: applications
//! and external users. The **policy** is one value with a revision that grows by one at each change. A **decision**
//! states whether a monitored activity is public or private, and why. In a **reveal** an authorised admin views
//! private activities. A **governance record** states who did or tried what, when, why, under which policy revision,
//! and with which outcome. Where no rule applies, the safe wrong answer is "hidden".
//!
//! # D: deciding, at ingest
//!
//! - **D1** One activity is decided against exactly one policy revision and one directory revision. Its
//!   [`Decision`](crate::engine::Decision) contains both revisions, the time and the reasons, so that
//!   [`Decision::explain`](crate::engine::Decision::explain) can later state why the activity is hidden.
//! - **D2** A stored decision never changes, in either direction, whatever happens to groups, members, managed domains
//!   or the directory.
//! - **D3** The time of an activity plays no part: a late activity is decided when it arrives. Policies are ordered by
//!   revision, never by a clock.
//! - **D4** The first stored delivery of an id determines its decision and its content for ever, on any node and after
//!   any crash. The caller learns the outcome: [stored, duplicate or conflict](crate::filter::IngestOutcome), or not
//!   monitored while it is out of scope. The id of a removed activity stays taken: a later delivery is a duplicate,
//!   whatever its content. Two records whose JSON differs only in the order of keys, escapes or white space have the
//!   same content.
//! - **D5** After a policy change has returned, no activity whose ingest starts later is stored under an older
//!   revision, in any thread, process or node that shares the store. A batch is decided under one revision.
//! - **D6** An activity is private if any performing principal is a member, directly or through nesting, of a private
//!   group, or belongs to a private built-in group. If a service reports what a person did (an alert, a policy match,
//!   an application in the session of a user), that person is a principal. If the report does not say which person is
//!   meant, every identity in it is. The objects of a service that acts by itself stay objects. [An
//!   option](crate::policy::PolicyOptions::include_objects) counts objects too, in every field that names them.
//! - **D7** Applications belong to the built-in group of applications. A user whose home domain is in no managed domain
//!   is external. The domain is the text after the last `@`, in IDNA form, without trailing dot, compared exactly;
//!   subdomains are covered if declared. A guest's `#EXT#` name is external whatever its suffix, unless the directory
//!   states a managed home domain. The part before `#EXT#` is never decoded.
//! - **D8** Aliases are compared folded, by no locale; ids are never folded. One identity that matches a protected user
//!   is enough. An alias that moved matches the user who has it in the directory in force. A name that is bound to no
//!   app and the account of that name in an app count for each other; that can only hide more. Readers convert every
//!   identity to the form that directories contain: without prefixes, claims, braces, percent-encoding and invisible
//!   marks. Queries compare addresses in the same way: `x@fass.example` does not match `x@faß.example`, which is
//!   another domain.
//! - **D9** An activity that cannot be decided is hidden: it names no usable principal, an alias is ambiguous, or the
//!   directory was never loaded, fails, or is older than allowed. [An option](crate::policy::OnUndecidable) rejects the
//!   batch instead, or shows the activity if the policy explicitly says so. A user who is not in the directory is in no
//!   group, which is a decision. But an identity of a form that the directory has no entry of is no usable principal,
//!   unless another identity beside it resolves: a [technical id](crate::identity::Alias::PASSPORT_IDS) that resolves
//!   to no user, a damaged or masked name, and an id, an account in an app or an unbound name if the directory contains
//!   none of that form (GUIDs or other ids, names of one word or more). Well-known security identifiers are the system.
//! - **D10** Cycles and diamonds among groups give the transitive closure.
//! - **D11** A directory revision is in force whole or not at all. Disabled and deleted users stay members until their
//!   group says otherwise. An import rejects a stated membership that it cannot resolve, also by primary group or
//!   security identifier, and a damaged name. A group of the policy that is [removed from the
//!   directory](crate::directory::RemovedGroup) keeps its last members until it leaves the policy, and a record says
//!   so. So does a group nested in it. A group that a delta restores has its last known members, as changed by each
//!   delta, until an import lists it. While its last members are unknown, every activity is undecidable.
//!   [`reconcile_directory`](crate::filter::PrivacyFilter::reconcile_directory), which a service calls after each
//!   import, stores the last members for nodes that start later. A node that missed an import reads them as soon as
//!   another node has stored them. Members stored from before the group was restored no longer count. A member whose
//!   record was removed stays known by name to the process that read it, and by id to later ones: import deleted users
//!   with their records.
//! - **D12** Only an imported or built-in group can be made private or used in scope.
//! - **D13** A [dry run](crate::filter::PrivacyFilter::dry_run) of a policy change states whom it would hide or stop
//!   monitoring, and changes nothing. Its denials are recorded, and so is each run that names people.
//!
//! # S: scope
//!
//! - **S1** An app that no include rule covers is monitored for everyone. Among the include rules that cover an app,
//!   the most specific level decides: app over suite over all apps. Groups at one level add up. An exclude rule that
//!   covers the app always wins.
//! - **S2** A not monitored activity is only counted. It is not stored, forwarded or recorded.
//!
//! # V: viewing
//!
//! - **V1** A [view](crate::filter::View) shows public activities only, also to a permitted admin. Showing private
//!   activities is a choice made each time.
//! - **V2** Without a reveal, everything observable is as if the private activities had never been stored. The answer
//!   for a hidden id equals the answer for an unknown id. The cost of a public page does not grow with the number of
//!   hidden activities. The governance log shows readers without the permission to view private activities the same,
//!   whether activities are hidden or not. A public read returns only activities that were decided public; anything
//!   else in their place means that the file is damaged.
//! - **V3** Pages are newest first by time and id, and stable while activities arrive.
//! - **V4** A cursor is opaque, bound to its query, viewer and reveal, and useless outside them.
//! - **V5** With the feature `export`, a [view](crate::filter::View) exports any number of activities as JSON Lines, CSV
//!   or Parquet in constant memory. The content of a private activity is never exported. An export under a reveal omits
//!   private activities, or writes rows that contain only the word "private", and is on
//!   [record](crate::governance::Event::Export) before its first byte. A cell of a CSV file never begins a formula.
//! - **V6** Activities carry their visibility, and a page states whether it includes private activities.
//!
//! # P: permission
//!
//! - **P1** Only a privacy administrator changes the policy. Only an admin can be granted the permission to view
//!   private activities. A grant names an address and is bound to the one id that the address resolves to at that time.
//!   It is rejected if that user is no admin, unknown, deleted or ambiguous. Each change is a patch of one thing;
//!   several can make one revision, and an update can name the revision for which it was made. The first policy has two
//!   administrators, or explicitly one. Its options are the safe ones: no self-grants, and no decision with a directory
//!   older than seven days.
//! - **P2** The permission is checked at each use: an admin now, with a grant now. The loss of the admin role ends the
//!   grant for good. A revocation stops a reveal at its next page, and also a page whose record is being written; a
//!   later grant revives no earlier reveal. A store that returns an older policy than before is rejected.
//! - **P3** By option, administrators make no grants to themselves, and a reveal needs a justification, a purpose from
//!   a list, and the [approval](crate::reveal::Approvals) of a number of other admins who are permitted themselves. An
//!   approval counts while its approver is permitted under the same grant. A denial by an approver ends the request,
//!   before its approval or after. Requesters do not approve their own requests, unless the policy allows it.
//! - **P4** *(not built yet)* Approval rules with quorums of groups or roles. Today, permitted admins approve.
//! - **P5** *(not built yet)* Dual control of changes that weaken protection.
//! - **P6** *(not built yet)* Break-glass reveals.
//! - **P7** *(not built yet)* A data subject's copy of their activities, and legal holds.
//!
//! # R: revealing
//!
//! - **R1** A reveal states its viewer, its query, an [`Acknowledgement`](crate::reveal::Acknowledgement) that it is
//!   audited, and a lifetime. The lifetime begins with the last approval if approvals are needed. Exactly the approved
//!   request is opened. An ended reveal stays ended, whatever the clock does.
//! - **R2** No private byte leaves the store before the record of the reveal is durable. If the sink fails, exceeds its
//!   time limit or confirms another record, or if the store answers for another reveal, nothing private is returned.
//! - **R3** Each page is recorded before it is returned: the reveal, and as commitments the number of activities, the
//!   number of private ones, a digest of their ids, and [whose](crate::governance::Subjects) they are.
//! - **R4** Denied attempts are recorded with their cause, including the use of a foreign cursor. The denial that the
//!   caller receives depends on the caller alone.
//! - **R5** A reveal belongs to one viewer and one request. It is never global and never cached for another viewer.
//! - **R6** A reveal widens what one person sees. It makes nothing forwardable or exportable.
//! - **R7** *(not built yet)* Continuing a reveal in another process, or after a restart.
//!
//! # G: governance
//!
//! - **G1** Policy changes, grants, revocations, requests, approvals, reveals, pages, exports, denials, erasures,
//!   retention runs and changes of sinks are records with gap-free sequence numbers. The intent is recorded before the
//!   act, the outcome after it. A page is recorded once, before it is returned; the record that closes the reveal
//!   states the number of pages.
//! - **G2** Records contain ids, digests and counts, and neither the content of an activity nor text from a query.
//!   [Commitments](crate::governance::Commitment), which can be redacted later, protect a viewer's justification, the
//!   tags of the persons whom a page concerns, and everything that depends on hidden activities. Only readers who may
//!   view private activities receive the openings of the latter, including the duration of a removal. Each salt comes
//!   from the operating system. Two facts are not hidden: the position of a removal's outcome among concurrent records,
//!   and that a failure interrupted a removal after its first step.
//! - **G3** Privacy administrators and admins who may view private activities read the records. Membership of a private
//!   group hides no record. Records can be filtered by time, kind, initiator, target and outcome. The feature `export`
//!   writes them as JSON Lines or OCSF events, and checks the permission before each page.
//! - **G4** The time that a hanging sink can take is bounded: see [`TimeoutSink`](crate::sinks::TimeoutSink). A
//!   [`QuorumSink`](crate::sinks::QuorumSink) writes to several sinks: all must answer, or a stated quorum, and always
//!   the leader, from which the log is read. A sink is tested before it is admitted, and each change of the sinks is
//!   recorded. The drop of the last handle waits for calls in progress, at most for the time limit.
//! - **G5** [`PrivacyFilter::apply_retention`](crate::filter::PrivacyFilter::apply_retention) removes data that is
//!   older than the policy allows. [`PrivacyFilter::erase`](crate::filter::PrivacyFilter::erase) removes the activities
//!   of one person for a privacy administrator. Both are recorded before and after, run in steps, and are permanent.
//!   Governance records are never kept for a shorter time than activities, and are removed after them. The caller of an
//!   erasure does not learn how many activities it removed; the log tells readers who may view private activities.
//! - **G6** With the feature `ledger` the log is a Merkle tree with signed checkpoints. An auditor with a saved
//!   checkpoint detects offline any change, removal, reordering or truncation of the records that it covers, and learns
//!   how many of the first records retention has removed. A file that was damaged in transfer is distinguished from a
//!   forged one after the remaining records were verified. A truncated file, or one in another encoding, is reported as
//!   such and cannot be verified. Everything else is reported as forged.
//! - **G7** A protected person can be informed when and for what purpose their private activities were viewed:
//!   [`PrivacyFilter::access_report`](crate::filter::PrivacyFilter::access_report).
//! - **G8** A store keeps the [records](crate::governance::AppliedRecords) of the last policy change and the last
//!   removals, in the transaction that applies them. A filter compares them with the log when it is opened, and about
//!   once a second while it runs. If either is behind, missing or another one, every call returns a typed
//!   [difference](crate::governance::Difference). An interrupted change or removal is completed on record. An
//!   administrator can explicitly [accept](crate::governance::AcceptedDifference) a difference, on record; the policy
//!   then continues under a revision later than any that store and log know. A sink that cannot be read is rejected
//!   unless the embedder declares it [write-only](crate::governance::WriteOnlySink). Data lost after the last change
//!   and the last removal is not noticed; a saved checkpoint of a ledger shows how many records there were.
//! - **G9** A [follower](crate::filter::Forwarders::follower) that the policy names reads the records in order, from an
//!   opaque offset that survives a restart. Adding, changing and removing a follower is on record, and a poll is not.
//!   Values that depend on private activities are left out, unless an administrator who may view private activities
//!   [disclosed](crate::policy::PolicyChange::DiscloseToFollower) them, and while that administrator may.
//!
//! # F: forwarding
//!
//! - **F1** Only activities decided public reach a forwarder. [`PublicActivity`](crate::store::PublicActivity) cannot
//!   be made from a private activity, unless a store makes a false claim
//!   ([`StoredActivity::assertion`](crate::store::StoredActivity::assertion)). Replays use the stored decision.
//! - **F2** A [forwarder](crate::filter::PrivacyFilter::forwarders) receives each activity at least once, in the order
//!   in which activities were stored, and resumes from a durable [offset](crate::forward::Offset) of its own. One that
//!   fails or hangs loses nothing and delays no other. Retention does not wait for a forwarder: the next batch then has a
//!   [gap](crate::forward::Gap) with the number of public activities that were missed. Of several processes that
//!   deliver one batch, one acknowledges it. A [driver](crate::forward::Driver) retries, and an item that the destination
//!   refuses stops it or is set aside with a count.
//! - **F3** The data that a forwarder sees disclose nothing about private activities: its offsets, batches, gaps and lag
//!   are the same without them.
//!
//! # B: bad input
//!
//! - **B1** Bad input is rejected with a typed error that states the place and the expected format. The rest of the
//!   input is processed, and the counts add up to the number of records read.
//! - **B2** No message, `Debug` output, log line or record contains private content.
//! - **B3** The library does not panic on input, contains no `unsafe`, and bounds its memory by what the caller asks
//!   for. Every reader, importer and delta takes time that is about linear in its input.
//! - **B4** Input of an unexpected kind (UTF-16, gzip, another delimiter, a type name in place of a list, a date with
//!   ambiguous day and month) is read, or named once in the error.
