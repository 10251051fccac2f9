use crate::label::labels;

labels!(
    /// What happened.
    Event {
        /// A vault was made.
        VaultInit = "vault.init",
        /// A new version of the roster came into force, or was refused.
        RosterChange = "roster.change",
        /// A key of the vault was wrapped to a member.
        KeyWrap = "key.wrap",
        /// Every document of a class has a header for the newest key.
        KeyFinish = "key.finish",
        /// An older key of the vault was thrown away.
        KeyRetire = "key.retire",
        /// Somebody asked for what others have to consent to.
        RequestMake = "request.make",
        /// Somebody consented.
        RequestApprove = "request.approve",
        /// Somebody who could have consented refused.
        RequestReject = "request.reject",
        /// Who asked does not want it any more.
        RequestWithdraw = "request.withdraw",
        /// What was asked for is being done, and the request is used up.
        RequestDone = "request.done",
        /// Officers allowed work on a connected machine for a time.
        ZoneExcept = "zone.except",
        /// A host's log key was added.
        HostEnrol = "host.enrol",
        /// A host goes on with another log key.
        HostRekey = "host.rekey",
        /// A log goes on in a new epoch after a loss.
        HostResume = "host.resume",
        /// Entries that a kill had left unsigned were taken up.
        LogRecover = "log.recover",
        /// What is derived was made anew from what is true.
        IndexRebuild = "index.rebuild",
        /// A member unlocked an identity, or failed to.
        IdentityUnlock = "identity.unlock",
        /// A document was taken in.
        DocumentSeal = "document.seal",
        /// A document's content was asked for.
        DocumentOpen = "document.open",
        /// A document was destroyed.
        DocumentDestroy = "document.destroy",
        /// A document's class or details were changed.
        DocumentRelabel = "document.relabel",
        /// A document's header was written for other keys.
        DocumentRewrap = "document.rewrap",
        /// A document's content was encrypted anew, under another file key.
        DocumentRekey = "document.rekey",
        /// Titles were asked for.
        TitleRead = "title.read",
        /// Another vault was admitted, its newer rosters were taken, or it was let go.
        PeerChange = "peer.change",
        /// A bundle was written to a medium.
        BundleWrite = "bundle.write",
        /// A document went out in a bundle.
        DocumentExport = "document.export",
        /// A bundle was taken from a medium into quarantine, or was refused.
        BundleImport = "bundle.import",
        /// What waited in quarantine was let in, or turned away.
        BundleAccept = "bundle.accept",
        /// A document came in from another vault.
        DocumentImport = "document.import",
        /// The receiver's answer was taken, or was refused.
        BundleReceipt = "bundle.receipt",
        /// Something in the program or the machine did not work.
        FunctionError = "function.error",
    }
);

labels!(
    /// The six kinds of event that an auditor asks for. It follows from event and outcome.
    Category {
        /// 身分驗證失敗
        AuthenticationFailure = "authentication-failure",
        /// 存取資源失敗
        AccessFailure = "access-failure",
        /// 重要行為
        ImportantAction = "important-action",
        /// 重要資料異動
        DataChange = "data-change",
        /// 功能錯誤
        FunctionError = "function-error",
        /// 管理者行為
        Administration = "administration",
    }
);

labels!(
    /// Where in an act an entry stands.
    Phase {
        /// Before it: what is about to be done.
        Intent = "intent",
        /// After it: how the intent named by `ref` ended.
        Done = "done",
        /// The act is this one entry.
        Single = "single",
    }
);

labels!(
    /// How it went.
    Outcome {
        /// Allowed and, unless this is an intent, done.
        Ok = "ok",
        /// Not allowed.
        Denied = "denied",
        /// Allowed, and did not work.
        Failed = "failed",
    }
);

labels!(
    /// What kind of thing it happened to.
    ObjectKind {
        /// A document.
        Document = "document",
        /// The roster.
        Roster = "roster",
        /// A host.
        Host = "host",
        /// The vault.
        Vault = "vault",
        /// A member.
        Member = "member",
        /// The log.
        Log = "log",
        /// What somebody asked for.
        Request = "request",
        /// A bundle.
        Bundle = "bundle",
    }
);

impl Category {
    /// The category of an event with this outcome.
    ///
    /// What was not allowed is an access failure, whoever tried, and an identity that did not unlock is an
    /// authentication failure. Content that could not be had is an access failure whatever stood in the
    /// way; any other failure is a function error. What went well is named after what it was.
    pub fn of(event: Event, outcome: Outcome) -> Self {
        use Event as E;
        match (event, outcome) {
            (E::FunctionError, _) => Self::FunctionError,
            (E::IdentityUnlock, Outcome::Denied | Outcome::Failed) => Self::AuthenticationFailure,
            (_, Outcome::Denied) | (E::DocumentOpen | E::TitleRead, Outcome::Failed) => Self::AccessFailure,
            (_, Outcome::Failed) => Self::FunctionError,
            (
                E::IdentityUnlock
                | E::DocumentOpen
                | E::TitleRead
                | E::RequestMake
                | E::RequestApprove
                | E::RequestReject
                | E::RequestWithdraw
                | E::RequestDone
                | E::BundleWrite
                | E::DocumentExport
                | E::BundleImport
                | E::BundleAccept
                | E::BundleReceipt,
                Outcome::Ok,
            ) => Self::ImportantAction,
            (
                E::DocumentSeal
                | E::DocumentDestroy
                | E::DocumentRelabel
                | E::DocumentRewrap
                | E::DocumentRekey
                | E::DocumentImport,
                Outcome::Ok,
            ) => Self::DataChange,
            (
                E::VaultInit
                | E::RosterChange
                | E::HostEnrol
                | E::HostRekey
                | E::HostResume
                | E::LogRecover
                | E::IndexRebuild
                | E::KeyWrap
                | E::KeyFinish
                | E::KeyRetire
                | E::ZoneExcept
                | E::PeerChange,
                Outcome::Ok,
            ) => Self::Administration,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_category_arises_and_failures_never_count_as_success() {
        let mut seen = std::collections::BTreeSet::new();
        for event in Event::ALL {
            for outcome in Outcome::ALL {
                let category = Category::of(*event, *outcome);
                seen.insert(category);
                let success = matches!(
                    category,
                    Category::ImportantAction | Category::DataChange | Category::Administration
                );
                let went_well = *outcome == Outcome::Ok && *event != Event::FunctionError;
                assert_eq!(success, went_well, "{event} {outcome}");
            }
        }
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), Category::ALL);
    }
}
