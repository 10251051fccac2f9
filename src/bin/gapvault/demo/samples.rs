//! The people and papers of the demo. All of them are invented.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use gapvault::vault::Error;

use super::disk;
use super::player::Person;

pub(super) const OFFICER: Person =
    Person { name: "陳怡君 Chen Yi-chun", identity: "officer.id", passphrase: "officer.pass" };
pub(super) const CLERK: Person =
    Person { name: "林志明 Lin Chih-ming", identity: "clerk.id", passphrase: "clerk.pass" };
pub(super) const CONTRACTOR: Person =
    Person { name: "王大同 Wang Ta-tung", identity: "contractor.id", passphrase: "contractor.pass" };

pub(super) const RELEASER: Person =
    Person { name: "張美玲 Chang Mei-ling", identity: "releaser.id", passphrase: "releaser.pass" };

/// Passphrases that stand in a program are known to everyone: good for a play, never for a secret.
const PASSPHRASES: [(Person, &str); 4] = [
    (OFFICER, "demo officer paper lantern\n"),
    (CLERK, "demo clerk river ferry\n"),
    (CONTRACTOR, "demo contractor night market\n"),
    (RELEASER, "demo releaser tea mountain\n"),
];

/// The paper that only the officer may open.
pub(super) const PLAN: &str = "papers/網路架構 network plan.txt";
/// A folder of papers for the clerk.
pub(super) const MEETING: &str = "papers/meeting";
/// How many papers are in it.
pub(super) const MEETING_PAPERS: usize = 2;
/// The paper that is sent in from the counter.
pub(super) const BUDGET: &str = "papers/meeting/預算 budget.csv";
/// The paper that the clerk takes out again.
pub(super) const MINUTES: &str = "papers/meeting/會議紀錄 minutes.txt";

const PAPERS: [(&str, &str); 3] = [
    (
        PLAN,
        "網路架構（範例）\n核心交換器位於二樓機房；隔離區與連網區之間沒有線路。\n\n\
         Network plan (sample)\nThe core switch stands on the second floor. No cable joins the isolated and the networked zone.\n",
    ),
    (
        MINUTES,
        "會議紀錄（範例）\n一、下季演練訂於九月。二、可攜式儲存媒體應逐案申請。\n\n\
         Minutes (sample)\n1. The next drill is in September. 2. Each portable medium is applied for one by one.\n",
    ),
    (BUDGET, "項目 item,金額 amount\n防火牆 firewall,120000\n教育訓練 training,45000\n"),
];

/// Writes the passphrase files and the papers below `home`.
pub(super) fn write(home: &Path) -> Result<(), Error> {
    let meeting = home.join(MEETING);
    std::fs::create_dir_all(&meeting).map_err(|error| disk(&meeting, error))?;
    for (person, text) in PASSPHRASES {
        file(&home.join(person.passphrase), text)?;
    }
    for (path, text) in PAPERS {
        file(&home.join(path), text)?;
    }
    Ok(())
}

fn file(path: &Path, text: &str) -> Result<(), Error> {
    let open = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    open.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| disk(path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_papers_has_as_many_as_it_says() {
        let inside = PAPERS.iter().filter(|(path, _)| path.starts_with(MEETING)).count();
        assert_eq!(inside, MEETING_PAPERS);
        let folder = tempfile::tempdir().unwrap();
        write(folder.path()).unwrap();
        assert!(folder.path().join(PLAN).is_file() && folder.path().join(MINUTES).is_file());
        assert!(write(folder.path()).is_err());
    }
}
