//! Every code, grouped by the word before the dot.

macro_rules! codes {
    ($($(#[$doc:meta])* $item:ident = $text:literal),+ $(,)?) => {
        /// What went wrong, as a word that never changes its meaning. The part before the dot decides the exit code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])* $item),+ }

        impl Code {
            /// Every code, for the tests of the message catalogues.
            pub const ALL: &'static [Self] = &[$(Self::$item),+];

            /// The code in JSON and in the log.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$item => $text),+ }
            }
        }
    };
}

codes! {
    /// A fault of ours.
    Internal = "internal.fault",
    /// The call is wrong; `detail` says how.
    Usage = "usage.arguments",
    /// A passphrase came from two places.
    PassphraseSources = "usage.passphrase-sources",
    /// The passphrase is empty.
    PassphraseEmpty = "usage.passphrase-empty",
    /// The passphrase is longer than the limit.
    PassphraseTooLong = "usage.passphrase-too-long",
    /// The passphrase is not valid UTF-8.
    PassphraseText = "usage.passphrase-text",
    /// The two entries of a new passphrase differ.
    PassphraseMismatch = "usage.passphrase-mismatch",
    /// There is no terminal to ask on.
    NoTerminal = "usage.no-terminal",
    /// The verb needs an identity and none was named.
    NoIdentity = "usage.no-identity",
    /// The work factor is outside 10 to 20.
    WorkFactor = "usage.work-factor",
    /// The target exists already.
    Exists = "usage.exists",
    /// The target of `init` is not an empty or new folder.
    VaultExists = "usage.vault-exists",
    /// A short id fits several.
    AmbiguousId = "usage.ambiguous-id",
    /// A short id has fewer than four characters or is not hex.
    ShortId = "usage.short-id",
    /// A name, title or reason is empty, too long, or has control characters.
    Text = "usage.text",
    /// The code given is not the card's or vault's.
    CodeDiffers = "usage.code-differs",
    /// A confirmation was refused or could not be asked for.
    NotConfirmed = "usage.not-confirmed",
    /// The configuration file cannot be read.
    Config = "usage.config",
    /// The file is not a policy; `detail` says why.
    NotAPolicy = "usage.policy",
    /// The file is not a card.
    NotACard = "usage.not-a-card",
    /// The member is in the roster already.
    MemberExists = "usage.member-exists",
    /// A request is done, refused, taken back, or over.
    RequestEnded = "usage.request-ended",
    /// The document has this class already.
    SameClass = "usage.same-class",
    /// More documents than one request can have.
    TooMany = "usage.too-many",
    /// The log has had as many keys as others take.
    TooManyLogKeys = "usage.log-keys",
    /// The request is about something else.
    OtherRequest = "usage.other-request",
    /// The file is not a vault's card.
    NotAVaultCard = "usage.not-a-vault-card",
    /// The other vault is admitted already.
    PeerExists = "usage.peer-exists",
    /// The card is the own vault's.
    OwnVault = "usage.own-vault",
    /// The other vault takes nothing in.
    NoTransferKey = "usage.no-transfer-key",
    /// A drop box does not do that.
    DropBox = "usage.drop-box",
    /// The folder on the medium holds something else.
    MediumTaken = "usage.medium-taken",
    /// The volumes cannot be cut so; `detail` says why.
    VolumeSize = "usage.volume-size",
    /// The bundle was written already.
    BundleWritten = "usage.bundle-written",
    /// The bundle was answered, so it is not sent again.
    BundleAnswered = "usage.bundle-answered",
    /// What waited was decided already.
    BundleDecided = "usage.bundle-decided",
    /// The file is not a receipt.
    NotAReceipt = "usage.not-a-receipt",
    /// A contractor needs a sponsor.
    SponsorNeeded = "usage.sponsor-needed",
    /// An officer's membership has no end date.
    OfficerUntil = "usage.officer-until",
    /// A date is not one, or is over.
    BadDate = "usage.date",
    /// A card's key kind is not the vault's.
    KeyKind = "usage.key-kind",
    /// The document's sealed path cannot be made safely under the target folder.
    UnsafePath = "usage.unsafe-path",
    /// The file holds no rules of findings; `detail` says where.
    NotRules = "usage.not-rules",
    /// The file is no list of holidays; `detail` says where.
    NotHolidays = "usage.not-holidays",
    /// The identity file is under a token, and the file that leads to the token is missing.
    NoToken = "usage.no-token",
    /// The file does not lead to a token's key.
    NotAToken = "usage.not-a-token",
    /// The token's public key is not said.
    NoTokenRecipient = "usage.no-token-recipient",
    /// The two halves of a token's key do not belong together.
    TokenDiffers = "usage.token-differs",
    /// Sealing from or opening into the vault's own folder.
    InsideVault = "usage.inside-vault",
    /// No vault here or in any parent.
    NoVault = "not-found.vault",
    /// No such document.
    NoDocument = "not-found.document",
    /// The document was destroyed.
    Destroyed = "not-found.destroyed",
    /// No such member.
    NoMember = "not-found.member",
    /// No such request.
    NoRequest = "not-found.request",
    /// No such other vault is admitted.
    NoPeer = "not-found.peer",
    /// No such bundle.
    NoBundle = "not-found.bundle",
    /// No such file.
    NoFile = "not-found.file",
    /// The program that a key belongs to is not installed.
    NoPlugin = "not-found.plugin",
    /// The member has no clearance for the class.
    NoClearance = "denied.clearance",
    /// The member may not see titles.
    NoTitleRight = "denied.titles",
    /// The member may not import.
    NoImportRight = "denied.import",
    /// The action is another role's.
    NoRole = "denied.role",
    /// The membership is over.
    Ended = "denied.ended",
    /// The sponsor of a contractor is gone, or the sponsor's membership is over.
    SponsorGone = "denied.sponsor",
    /// Documents of this class are not opened in a vault of this zone.
    WrongZone = "denied.zone",
    /// The vault is isolated and the machine is connected; `detail` says by what.
    Connected = "denied.connected",
    /// A key has not reached the member yet.
    KeyWaiting = "denied.key-waiting",
    /// The policy wants a reason.
    ReasonNeeded = "denied.reason",
    /// Only who asked takes a request back.
    NotTheRequester = "denied.not-the-requester",
    /// Nobody consents to the own request.
    OwnRequest = "denied.own-request",
    /// Another person has to do it.
    SamePerson = "denied.same-person",
    /// There has to stay an officer.
    LastOfficer = "denied.last-officer",
    /// Nobody else could read what this member can.
    LastReader = "denied.last-reader",
    /// The policy wants approvals that are not there.
    ApprovalsMissing = "denied.approvals",
    /// Others may read the identity file.
    IdentityPermissions = "denied.identity-permissions",
    /// Others may write to the program that a key belongs to.
    PluginPermissions = "denied.plugin-permissions",
    /// Others may write in the vault's folder.
    VaultPermissions = "denied.vault-permissions",
    /// Others may read the host's state.
    StatePermissions = "denied.state-permissions",
    /// This host may read but not write.
    HostNotEnrolled = "denied.host-not-enrolled",
    /// Wrong passphrase.
    WrongPassphrase = "authentication.passphrase",
    /// Too many wrong passphrases: the identity is locked on this host until `until`, for `minutes` more.
    LockedOut = "authentication.locked-out",
    /// The token is not the one that the identity file is under.
    WrongToken = "authentication.token",
    /// The token, or its program, did not do it; `detail` is what it says.
    TokenRefused = "authentication.token-refused",
    /// The identity is not a member of this vault.
    NotAMember = "authentication.not-a-member",
    /// The file is not an identity file, or is damaged.
    BadIdentity = "authentication.identity-file",
    /// The identity file asks for more work than we accept.
    ExcessiveWork = "authentication.excessive-work",
    /// A document's header is not the one the log names.
    TamperedHeader = "tampered.header",
    /// A document's payload is not the one the log names.
    TamperedPayload = "tampered.payload",
    /// A document's file key is not the one the log commits to.
    TamperedCommitment = "tampered.commitment",
    /// A document's metadata does not fit the document.
    TamperedMetadata = "tampered.metadata",
    /// A document that the log names is not there.
    MissingDocument = "tampered.document-missing",
    /// A document that the log does not name is there.
    ForeignDocument = "tampered.document-foreign",
    /// An entry, a tile or the tree contradicts the signed checkpoint.
    TamperedLog = "tampered.log",
    /// A proof does not hold.
    TamperedProof = "tampered.proof",
    /// A file that nothing in the evidence speaks of.
    UndeclaredFile = "tampered.undeclared-file",
    /// A checkpoint's signature or text is wrong.
    TamperedCheckpoint = "tampered.checkpoint",
    /// A roster is not what its chain or the log says.
    TamperedRoster = "tampered.roster",
    /// What says that a log key follows from the one before is missing, or nobody who may signed it.
    TamperedLogKey = "tampered.log-key",
    /// The policy is not the one that the roster names.
    TamperedPolicy = "tampered.policy",
    /// A key file does not hold the key that the roster names.
    TamperedKey = "tampered.key-file",
    /// A request is not what was signed.
    TamperedRequest = "tampered.request",
    /// Another vault lies where a known one was.
    VaultReplaced = "tampered.vault-replaced",
    /// A card's signature is wrong.
    TamperedCard = "tampered.card",
    /// What is known of another vault is not what an officer signed.
    TamperedPeer = "tampered.peer",
    /// A document is another one than when its sending was approved.
    DocumentChanged = "tampered.document-changed",
    /// What lies in the outbox or in quarantine is not what the log names.
    TamperedStore = "tampered.bundle",
    /// A receipt is signed by nobody who may, or is about something else.
    TamperedReceipt = "tampered.receipt",
    /// What was written to the medium reads back as something else.
    MediumDiffers = "damaged.medium",
    /// Too much of a bundle is damaged.
    BundleDamaged = "damaged.bundle",
    /// The log is shorter than what this host signed.
    TruncatedLog = "truncated.log",
    /// The newest roster is gone.
    TruncatedRoster = "truncated.roster",
    /// Notes of another vault are gone.
    TruncatedPeer = "truncated.peer",
    /// The host's state is older than what this host signed.
    TruncatedState = "truncated.host-state",
    /// Two signed histories contradict each other.
    Forked = "forked.log",
    /// The live index is broken or contradicts the log.
    DamagedIndex = "damaged.index",
    /// The live index is gone.
    MissingIndex = "damaged.index-missing",
    /// A hash tile is missing or wrong, while the entries are right.
    DamagedTile = "damaged.tile",
    /// The file of checkpoints is missing or damaged.
    DamagedCheckpoints = "damaged.checkpoints",
    /// Both slots of the host's state are damaged.
    DamagedState = "damaged.host-state",
    /// The vault's own files are not in order.
    DamagedVault = "damaged.vault",
    /// This host has never seen this vault.
    UnknownVault = "unverifiable.vault",
    /// No known key signed the checkpoint.
    UnknownLogKey = "unverifiable.log-key",
    /// Officers went on with the log on another host, in a newer epoch.
    Resumed = "unverifiable.resumed",
    /// The format is newer than this program.
    NewerFormat = "unverifiable.format",
    /// No vault at hand knows who sent the bundle.
    UnknownBundleSender = "unverifiable.sender",
    /// Not a bundle, or not one that this program reads.
    BundleFormat = "bundle.format",
    /// There is no manifest, so there is no bundle.
    BundleNoManifest = "bundle.no-manifest",
    /// It is from a vault that is not admitted.
    BundleUnknownSender = "bundle.unknown-sender",
    /// Rosters or policy of the sender do not follow from what is known.
    BundleChain = "bundle.chain",
    /// Nobody who may has signed it.
    BundleSignature = "bundle.signature",
    /// It is for another vault.
    BundleWrongReceiver = "bundle.wrong-receiver",
    /// It is encrypted to a key that this vault does not have.
    BundleWrongKey = "bundle.wrong-key",
    /// It goes between zones that these vaults are not in.
    BundleDirection = "bundle.direction",
    /// A file is not the one that was signed.
    BundleFile = "bundle.file",
    /// A file is missing.
    BundleMissingFile = "bundle.missing-file",
    /// Volumes are missing: perhaps they lie on another medium.
    BundleIncomplete = "bundle.incomplete",
    /// A file is there that nobody signed for.
    BundleUndeclared = "bundle.undeclared-file",
    /// Approvals are missing.
    BundleApprovals = "bundle.approvals",
    /// It came in before.
    BundleReplayed = "bundle.replayed",
    /// Bundles before it are missing.
    BundleGap = "bundle.gap",
    /// Two bundles have one number.
    BundleForked = "bundle.forked",
    /// The numbers were begun anew on one side only.
    BundleSeries = "bundle.series",
    /// It came too late.
    BundleExpired = "bundle.expired",
    /// It is from the future.
    BundleNotYet = "bundle.not-yet",
    /// The sender's log is not the one that was seen before.
    BundleLogForked = "bundle.log-forked",
    /// What is inside is not what was signed.
    BundleContent = "bundle.content",
    /// The check found something.
    BundleInfected = "bundle.infected",
    /// The media belong to different bundles.
    BundleMixed = "bundle.mixed",
    /// Another process holds the vault.
    Busy = "busy.vault",
    /// The log could not be written, so nothing was done.
    LogFailed = "log-failed.write",
    /// The medium is full.
    Full = "io.full",
    /// The medium is read-only.
    ReadOnly = "io.read-only",
    /// Reading or writing failed.
    Io = "io.failed",
    /// A source changed while it was read.
    SourceChanged = "io.source-changed",
    /// The source cannot be read.
    SourceUnreadable = "io.source-unreadable",
    /// The program that a key belongs to broke off or does not keep to the protocol.
    PluginFailed = "io.plugin",
    /// The program that a key belongs to did not answer in time.
    PluginTimeout = "io.plugin-timeout",
    /// The check command did not do its work.
    CheckFailed = "io.check",
    /// The medium has not enough room.
    MediumFull = "io.medium-full",
    /// The file system of the medium takes no file of that length.
    MediumLimit = "io.medium-limit",
    /// The newest entries are not covered by the log's signature.
    StaleSignature = "stale.signature",
    /// The newest entries are not covered by enough witnesses, or not lately.
    StaleWitness = "stale.witness",
    /// The key of a log is not known from elsewhere.
    UnverifiableLog = "unverifiable.log",
    /// No log is at hand that agrees with both of two checkpoints.
    UnverifiableGrowth = "unverifiable.growth",
    /// No known witness has signed.
    UnverifiableWitness = "unverifiable.witness",
    /// The folder is no evidence.
    NotEvidence = "not-found.evidence",
    /// The file is not a checkpoint.
    NotACheckpoint = "usage.not-a-checkpoint",
    /// The file is not a proof.
    NotAProof = "usage.not-a-proof",
    /// The file is not a request to a witness.
    NotAWitnessRequest = "usage.not-a-witness-request",
    /// The file is not a policy of logs and witnesses; `detail` says why.
    NotAWitnessPolicy = "usage.not-a-witness-policy",
    /// The text is not a verifier key.
    NotAVerifierKey = "usage.not-a-verifier-key",
    /// A place or size is beyond the end of the log.
    NoEntry = "not-found.entry",
    /// The log has not had so many epochs.
    NoEpoch = "not-found.epoch",
    /// Two checkpoints are not of one log.
    OtherLog = "usage.other-log",
    /// The request does not begin where the witness signed last.
    WitnessSize = "usage.witness-size",
    /// The operating system gave no random bytes.
    NoRandom = "io.no-random",
}
