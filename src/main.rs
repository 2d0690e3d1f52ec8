//! Arguments → configuration → [`quartet::app`] → exit code.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use quartet::app::{self, Failure};
use quartet::config::{Config, Level};

/// Telehealth visits on your own machines: appointments, links, a waiting room, and a video server, in one program.
#[derive(Parser)]
#[command(
    version,
    propagate_version = true,
    after_help = "First steps:\n  quartet demo                                  a visit to try, on this machine\n  quartet check --config quartet.toml           what is wrong with a configuration\n  quartet token new front-desk --role scheduler a token for curl\n  quartet serve --config quartet.toml           run\n  quartet audit verify --config quartet.toml    that nobody changed the audit"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server.
    Serve(ConfigFile),
    /// Say everything that is wrong with the configuration and with this machine, and exit.
    Check(ConfigFile),
    /// Run a server to try, with made-up people, an appointment that is open now, and a throw-away store.
    Demo {
        /// Print one line of JSON with the links when ready, instead of text.
        #[arg(long)]
        json: bool,
        /// The HTTPS port; 0 takes a free one.
        #[arg(long, default_value_t = 8443)]
        port: u16,
        /// Keep everything in this directory instead of throwing it away: started again with it, the demo goes on with the
        /// same people and links, on the same port if --port is 0.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// Start the appointment so many minutes from now; negative: so many minutes ago.
        #[arg(long, value_name = "MINUTES", default_value_t = 0, allow_negative_numbers = true, value_parser = clap::value_parser!(i64).range(-600..=100_000))]
        starts_in: i64,
        /// For tests: let the server's clock start at this moment and go on from there.
        #[arg(long, value_name = "RFC3339", hide = true)]
        clock: Option<jiff::Timestamp>,
        /// What the log says: error, warn, info, debug or trace.
        #[arg(long, default_value = "warn", value_name = "LEVEL")]
        log: LogLevel,
    },
    /// Make, list or revoke the tokens that admin programs (curl) show.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Prove that the audit is whole, read it, or print its head to keep elsewhere.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// The media process. `quartet serve` starts it; nobody else needs to.
    Media {
        /// The socket on which the control process listens.
        #[arg(long, value_name = "PATH")]
        socket: PathBuf,
        /// What the log says: error, warn, info, debug or trace.
        #[arg(long, default_value = "info", value_name = "LEVEL")]
        log: LogLevel,
    },
}

#[derive(clap::Args)]
struct ConfigFile {
    /// The configuration file. config/quartet.toml in the source documents every key.
    #[arg(long, default_value = "/etc/quartet/quartet.toml", value_name = "PATH")]
    config: PathBuf,
}

#[derive(Subcommand)]
enum TokenCommand {
    /// Make a token and print it once: only its hash is kept.
    New {
        /// Whose it is, like front-desk: `list` shows this name.
        name: String,
        /// What it may do: `admin` everything, `scheduler` appointments and visits, `monitor` metrics and health.
        #[arg(long)]
        role: app::TokenRole,
        #[command(flatten)]
        file: ConfigFile,
    },
    /// List the tokens: id, name, role, when made. Never the tokens themselves.
    List(ConfigFile),
    /// Make a token useless from now on.
    Revoke {
        /// The token's id, as `list` shows it.
        id: String,
        #[command(flatten)]
        file: ConfigFile,
    },
}

#[derive(Subcommand)]
enum AuditCommand {
    /// Walk the whole chain of records. Names the first bad one and exits with 1 if one was changed, moved or taken out.
    Verify(ConfigFile),
    /// Print records, oldest first: number, time (UTC), who, what, how it went, in which visit, of whom. Ids only, no names.
    List {
        /// Begin after the record of this number.
        #[arg(long, value_name = "N", default_value_t = 0)]
        after: i64,
        /// Print at most so many.
        #[arg(long, value_name = "N", default_value_t = 1_000)]
        limit: u32,
        #[command(flatten)]
        file: ConfigFile,
    },
    /// Print the newest record's number and hash. Who can rewrite the whole database is found out only by a copy of this
    /// that is kept on another machine: take one every minute.
    Head(ConfigFile),
}

#[derive(Clone, Copy, ValueEnum)]
enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl From<LogLevel> for Level {
    fn from(level: LogLevel) -> Level {
        match level {
            LogLevel::Error => Level::Error,
            LogLevel::Warn => Level::Warn,
            LogLevel::Info => Level::Info,
            LogLevel::Debug => Level::Debug,
            LogLevel::Trace => Level::Trace,
        }
    }
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("quartet: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Serve(file) => app::serve(&Config::read(&file.config)?)?,
        Command::Check(file) => return check(&Config::read(&file.config)?),
        Command::Demo { json, port, data, starts_in, clock, log } => {
            app::demo(&app::Demo { json, port, data, clock, starts_in_minutes: starts_in, log: log.into() })?
        }
        Command::Token(TokenCommand::New { name, role, file }) => {
            println!("{}", app::new_token(&Config::read(&file.config)?, &name, role)?)
        }
        Command::Token(TokenCommand::List(file)) => {
            let tokens = app::list_tokens(&Config::read(&file.config)?)?;
            if tokens.is_empty() {
                println!("There are no tokens yet: quartet token new NAME --role admin");
            }
            for line in tokens {
                println!("{line}");
            }
        }
        Command::Token(TokenCommand::Revoke { id, file }) => app::revoke_token(&Config::read(&file.config)?, &id)?,
        Command::Audit(AuditCommand::Verify(file)) => println!("{}", app::verify_audit(&Config::read(&file.config)?)?),
        Command::Audit(AuditCommand::Head(file)) => println!("{}", app::audit_head(&Config::read(&file.config)?)?),
        Command::Audit(AuditCommand::List { after, limit, file }) => {
            for line in app::list_audit(&Config::read(&file.config)?, after, limit)? {
                println!("{line}");
            }
        }
        Command::Media { socket, log } => app::media(&socket, log.into())?,
    }
    Ok(ExitCode::SUCCESS)
}

fn check(config: &Config) -> Result<ExitCode, Failure> {
    let found = app::check(config);
    for failure in &found {
        println!("{failure}");
    }
    if found.is_empty() {
        println!("All is well: `quartet serve` can start.");
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}
