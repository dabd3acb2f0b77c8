//! What `--help` says around the commands' own words.

use clap::{Arg, ArgAction, Command};

const PAGE: &str = "{about-with-newline}\nUso: {usage}\n\n{all-args}";

/// clap's own headings and words of help are English.
#[must_use]
pub fn in_spanish(command: Command) -> Command {
    let help = Arg::new("help").short('h').long("help").action(ArgAction::Help).help("Muestra esta ayuda");
    let command = command.disable_help_flag(true).disable_help_subcommand(true).arg(help.display_order(999));
    let command = command.help_template(PAGE).subcommand_help_heading("Órdenes").subcommand_value_name("ORDEN");
    let command = match command.get_version() {
        None => command,
        Some(_) => {
            let version = Arg::new("version").short('V').long("version").action(ArgAction::Version).help("Muestra la versión");
            command.disable_version_flag(true).arg(version.display_order(1000))
        }
    };
    let titled = |arg: Arg| {
        let heading = if arg.is_positional() { "Argumentos" } else { "Opciones" };
        arg.help_heading(heading)
    };
    command.mut_args(titled).mut_subcommands(in_spanish)
}
