//! The rules that this crate keeps, in full. The tests are named after them: `d4_first_verdict_wins` holds to rule D4.
//!
//! An **activity** is one thing that an **actor** did in an app. A **group** is imported under an immutable id, or one
//! of the two that are built in: applications, and external users. The **policy** is one value with a revision that
//! grows by one at each change. A **verdict** is not monitored, public or private. A **reveal** is an authorised admin
//! looking at private activities. A **governance record** says who did or tried what, when, why, under which policy,
//! with which outcome. Where no rule speaks, the safe wrong answer is "hidden".
//!
//! # D: deciding
//!
//! - **D1** An activity is decided against exactly one policy and one directory. Its [`Decision`](crate::engine::Decision) carries
//!   both revisions, the time and the reasons, so that [`Decision::explain`](crate::engine::Decision::explain) can say why later.
//! - **D2** A stored verdict never changes, in either direction, whatever becomes of groups, members, domains or
//!   imports.
//! - **D3** When an activity happened plays no part; what comes late is decided when it comes. Policies are ordered by
//!   revision, never by a clock.
//! - **D4** The first stored delivery of an id decides its verdict and its content for ever, on any node and after any
//!   crash. Whoever delivers learns: [stored, duplicate or conflict](crate::filter::IngestOutcome), or not monitored while it is out
//!   of scope. An id whose activity was removed stays taken: it is a duplicate, whatever comes under it. A record whose JSON
//!   differs only in the order of keys, escapes or white space has the same content.
//! - **D5** After a change of the policy returned, nothing whose ingest starts later is stored under an older revision,
//!   in any thread or process that shares the store. A batch is all under one revision.
//! - **D6** Private is what a performing principal did who is in a private group, directly or through other groups: the
//!   actor, or whoever the actor acted for. The person whose doing a service reports (an alert, a match of a rule, an
//!   application in the session of a user) performs; where the report does not say who is meant, everybody whom it names
//!   does. A service that acts by itself keeps its objects as objects.
//!   [By option](crate::policy::PolicyOptions::include_objects) whoever it was done to counts too, in every field that names them.
//! - **D7** Applications are in the built-in group of applications. Users whose home domain is in no managed domain are
//!   external. The domain is what stands after the last `@`, in IDNA form, without trailing dot, compared exactly;
//!   subdomains count when declared. A guest's `#EXT#` name is external whatever stands after it, unless the directory
//!   states a managed home; what stands before it is never decoded.
//! - **D8** Aliases are compared folded, by no locale; ids never are. One identity that matches a protected user
//!   suffices. An alias that moved matches whoever holds it in the directory in force. A name that is bound to no app
//!   and the account of that name in the app count for each other; that can only hide. Readers give every identity in the
//!   form in which directories contain it: without prefixes, claims, braces, percent-encoding and invisible marks. A query
//!   compares addresses in the same way: `x@fass.example` does not find `x@faß.example`, which is another domain.
//! - **D9** In doubt, hidden: nobody usable named, an ambiguous alias, a directory that was never loaded, fails or is
//!   older than allowed. [By option](crate::policy::OnUndecidable) the batch is refused instead; shown only if the policy
//!   says so in as many words. A user whom a working directory does not know is in no group, which is no doubt. But an
//!   identity in a form of which the directory has no entry names nobody usable, unless another one beside it does: a
//!   [technical id](crate::identity::Alias::PASSPORT_IDS) that resolves to nobody, a damaged or masked name, and an id, an account in an
//!   app or a name bound to none where the directory has none of that form at all (ids are GUIDs or not, names are one word
//!   or not). Well-known security identifiers are the system.
//! - **D10** Cycles and diamonds among groups give the transitive closure.
//! - **D11** A directory is in force whole or not at all. Disabled and deleted users stay members until their group
//!   says otherwise. A membership that an import states and that cannot be resolved, also by primary group or security
//!   identifier, is a rejection, and so is a name that is damaged. A group of the policy that
//!   [vanishes](crate::directory::RemovedGroup) keeps its last members until it leaves the policy, and a record says so. The same
//!   holds for a group nested in it. A group that a delta brings back has its last known members as changed by each delta,
//!   until an import lists it. While its last members are not known, everything is hidden. What a
//!   node that starts later knows of them was kept by [`reconcile_directory`](crate::filter::PrivacyFilter::reconcile_directory),
//!   which a service calls after each import; a node that missed an import learns of its members as soon as another
//!   node kept them. What was kept of a time before the group was back does not count any more.
//!   A member whose record is gone stays known by name to the process that saw it, and by id to whatever starts later:
//!   import deleted users with their records.
//! - **D12** Only an imported or built-in group can be made private or used in scope.
//! - **D13** A [dry run](crate::filter::PrivacyFilter::dry_run) says whom a change of the policy would hide or stop monitoring, and
//!   changes nothing. A refusal is on record, and so is each run that names people.
//!
//! # S: scope
//!
//! - **S1** An app that no include rule covers is monitored for everyone. Among the include rules that cover an app, the
//!   most specific level decides: app over suite over all apps. Groups at one level add up. An exclude rule that covers
//!   the app always wins.
//! - **S2** What is not monitored is counted, and neither stored, forwarded nor recorded.
//!
//! # V: viewing
//!
//! - **V1** A [view](crate::filter::View) shows public activities only, to the permitted as well. Showing private ones is a
//!   choice made each time.
//! - **V2** Without a reveal, everything that can be observed is as if the private activities had never been stored. A
//!   hidden id and an unknown one are answered alike. A public page costs the same however much is hidden. The governance log
//!   tells readers without the permission to view private activities the same whether or not activities are hidden. What a
//!   public read returns was decided public; anything else found in its place makes the file corrupt.
//! - **V3** Pages are newest first by time and id, and stable while activities keep arriving.
//! - **V4** A cursor is opaque, bound to its query, viewer and reveal, and useless elsewhere.
//! - **V5** *(not built yet)* Exports.
//! - **V6** Activities carry their visibility, and a page says whether private ones are on it.
//!
//! # P: permission
//!
//! - **P1** Only a privacy administrator changes the policy. Only an admin can be granted the permission to view
//!   private activities; a grant names an address, is bound to the one id that it leads to then, and is refused when
//!   that is no admin, nobody, somebody deleted, or several. Each change is a patch of one thing; several can be one
//!   revision, and an update can name the revision that it was made for. The first policy has two administrators, or one in so
//!   many words, and its options are the safe ones: nobody grants to themselves, and a directory older than seven days decides
//!   nothing.
//! - **P2** Permission is asked at each use: an admin now, and granted now. Losing the admin role ends the grant for
//!   good. A revocation stops a reveal at its next page, and a page whose record was still being written; a new grant
//!   revives no reveal of an old one. A store that goes back to an older policy is not believed.
//! - **P3** By option nobody grants to themselves; a reveal needs a justification, a purpose from a list, and the
//!   [approval](crate::reveal::Approvals) of so many other admins who are permitted themselves. An approval counts while whoever
//!   gave it is permitted under the same grant; a denial by one of them ends the request, before it was approved or
//!   after. Nobody approves for themselves, unless the policy lets them.
//!
//! # R: revealing
//!
//! - **R1** A reveal states its viewer, its query, an [`Acknowledgement`](crate::reveal::Acknowledgement) that it is audited,
//!   and a lifetime, which begins with the last approval where it needs some. Exactly what was approved is opened. A reveal
//!   that ended stays ended, whatever the clock does.
//! - **R2** No private byte leaves the store before the record of the reveal is durable. If the sink fails, hangs past
//!   its limit or answers for another record, or the store for another reveal, nothing private is returned.
//! - **R3** Each page is recorded before it is returned: which reveal, and, as commitments, how many activities, how many of
//!   them private, a digest of the ids of those, and [whose](crate::governance::Subjects) they are.
//! - **R4** Refusals are recorded with their cause, also that of a cursor that belongs elsewhere. What the caller is told
//!   speaks of the caller alone.
//! - **R5** A reveal belongs to one viewer and one chain of calls.
//! - **R6** A reveal widens what one person sees, and makes nothing forwardable or exportable.
//!
//! # G: governance
//!
//! - **G1** Policy changes, grants, revocations, requests, approvals, reveals, pages, refusals, erasures, retention runs
//!   and changes of sinks are records with sequence numbers that
//!   have no gap. The intent is recorded before the act, the outcome after it. A page is recorded once, before it is
//!   returned; the closing of its reveal says how many there were.
//! - **G2** Records hold ids, digests and counts: no content of an activity, and nothing typed into a query. A viewer's
//!   own justification, tags of whom a page was about, and whatever depends on hidden activities are
//!   [commitments](crate::governance::Commitment): they can be forgotten later. What depends on hidden activities, the time that a removal took
//!   included, is opened only to readers who may view private activities. Each salt comes from the operating system. What is
//!   not hidden: where the outcome of a removal stands among records that others made meanwhile, and that a failure cut a
//!   removal short after its first step.
//! - **G3** Records are read by privacy administrators and by admins who may view private activities. Being in a
//!   private group hides no record. They are found by time, kind, initiator, target and outcome; with the feature
//!   `export` they are written as JSON Lines or as OCSF events, and the permission is asked before each page.
//! - **G4** A sink that hangs is bounded in time: see [`TimeoutSink`](crate::sinks::TimeoutSink). Records can go to
//!   [several](crate::sinks::QuorumSink): all must answer, or a stated quorum; the leading one, which the log is read from,
//!   in any case. A sink is tried out before it is admitted, and which sinks there are is changed on record. Dropping the last
//!   handle waits for the calls under way, for at most the limit.
//! - **G5** What is older than the policy lets it be kept is removed
//!   ([`PrivacyFilter::apply_retention`](crate::filter::PrivacyFilter::apply_retention)), and so is what somebody did, on the word
//!   of a privacy administrator ([`PrivacyFilter::erase`](crate::filter::PrivacyFilter::erase)): recorded before and after, step by
//!   step, and for good. Governance records are never kept for a shorter time than activities, and go after them. Whoever
//!   erases is not told how much there was: the log is, for those who may view private activities.
//! - **G6** With the feature `ledger` the log is a Merkle tree with signed checkpoints: whoever saved one finds any
//!   change, removal, reordering or truncation of what it counts, offline, and is told how many of the first records
//!   retention has removed. A file that was damaged in transfer is told from a forged one, once what is left of it was verified. One
//!   that is cut off or in another encoding cannot be verified, and is named so. Everything else counts as forged.
//! - **G7** A protected person can be told when, and for what purpose, private activities of theirs were looked at:
//!   [`PrivacyFilter::access_report`](crate::filter::PrivacyFilter::access_report).
//! - **G8** A store keeps the [records](crate::governance::AppliedRecords) of the last change and the last removal that it applied, in the
//!   transaction that applies them. Opening a filter holds them against the log, and so does a running filter about once a
//!   second: a store or a log that is behind, missing or another one is a typed [difference](crate::governance::Difference), and nothing
//!   goes on. A change or removal that was interrupted is completed on record. An administrator can
//!   [accept](crate::governance::AcceptedDifference) a difference in so many words, on record, and the policy goes on under a revision later
//!   than any that the two know. A sink that cannot be read is refused unless the embedder says that it is
//!   [write-only](crate::governance::WriteOnlySink). What was lost after the last change and the last removal leaves no mark and is not
//!   noticed; a checkpoint of a ledger, saved elsewhere, says how many records there were.
//!
//! # F: forwarding
//!
//! - **F1** Only activities decided public reach a forwarder; [the type](crate::store::PublicActivity) cannot be made from
//!   another, unless a store claims what is not so ([`StoredActivity::assertion`](crate::store::StoredActivity::assertion)).
//!   Replays go by the stored verdict.
//! - **F2** Batches come in the order of storing and resume from an [offset](crate::forward::Offset). *(Not built yet:
//!   driving forwarders.)*
//! - **F3** What a forwarder sees tells nothing of private activities.
//!
//! # B: bad input
//!
//! - **B1** Bad input is rejected with a typed error that says where and what was expected; the rest goes on, and the
//!   counts add up to what was read.
//! - **B2** No message, `Debug` output or record holds private content.
//! - **B3** No panic on input, no `unsafe`, and memory bounded by what is asked for. Every reader, importer and delta takes
//!   time that is about linear in its input.
//! - **B4** Input that is not what it seems (UTF-16, gzip, another delimiter, a type name in place of a list, a date whose
//!   day and month cannot be told apart) is read, or named for what it is, once.
