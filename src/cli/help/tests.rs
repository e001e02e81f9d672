use super::*;

#[test]
fn every_command_stands_in_a_group_with_examples() {
    let program = crate::cli::command();
    for command in program.get_subcommands() {
        let listed = COMMANDS.iter().filter(|entry| entry.name == command.get_name()).count();
        assert_eq!(listed, 1, "commands/command.rs: COMMANDS should list {} once", command.get_name());
    }
    for Entry { name, manual, .. } in COMMANDS {
        assert!(program.find_subcommand(name).is_some(), "there is no command {name}");
        assert!(!manual.examples.is_empty(), "{name} has no example");
    }
}

#[test]
fn no_line_of_the_screen_is_wider_than_a_terminal() {
    let screen = screen(&crate::cli::command());
    let wide: Vec<&str> = screen.lines().filter(|line| line.len() > 80).collect();
    assert!(wide.is_empty(), "a shorter first line of the doc comment is needed: {wide:?}");
}

#[test]
fn every_example_is_a_command_line_of_its_command() {
    let of_commands = COMMANDS.iter().map(|entry| (entry.name, entry.manual));
    for (name, manual) in of_commands.chain([("", PROGRAM)]) {
        for (_, line) in manual.examples {
            let words: Vec<&str> = line.split(' ').map(|word| word.trim_matches('\'')).collect();
            assert!(name.is_empty() || words.contains(&name), "an example of {name}: {line}");
            let parsed =
                crate::cli::parsed(crate::cli::command(), &words.iter().map(Into::into).collect::<Vec<_>>());
            assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
        }
    }
}

#[test]
fn every_flag_and_value_says_what_it_is() {
    let mut program = crate::cli::command();
    program.build();
    let commands = program.get_subcommands().filter(|command| command.get_name() != "help");
    for command in commands.chain([&program]) {
        for argument in command.get_arguments() {
            assert!(argument.get_help().is_some(), "{} {argument}", command.get_name());
        }
    }
}
