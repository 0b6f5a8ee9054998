"""The numbered messages of this dialect (contract: message ids), made from what a flow remembers."""

from collections.abc import Callable, Mapping
from typing import Any

from nightlatch.doors.kratos.shapes import at
from nightlatch.kernel.clock import MINUTE, SECOND
from nightlatch.problems import SessionsFull

Message = dict[str, Any]


def info(number: int, text: str, **context: Any) -> Message:
    return _message(number, text, "info", context)


def error(number: int, text: str, **context: Any) -> Message:
    return _message(number, text, "error", context)


def success(number: int, text: str, **context: Any) -> Message:
    return _message(number, text, "success", context)


def _message(number: int, text: str, kind: str, context: Mapping[str, Any]) -> Message:
    return {"id": number, "text": text, "type": kind} | ({"context": dict(context)} if context else {})


SIGN_IN = info(1010001, "Sign in")
SIGN_IN_WITH_PASSWORD = info(1010022, "Sign in with password")
CONFIRM_IT_IS_YOU = info(1010003, "Please confirm this action by verifying that it is you.")
SIGN_UP = info(1040001, "Sign up")
CONTINUE = info(1070009, "Continue")
SIGN_UP_CONTINUE = info(1040003, "Continue")
BACK = info(1040008, "Back")
CHOOSE_CREDENTIAL = info(1040009, "Please choose a credential to authenticate yourself with.")
SAVE = info(1070003, "Save")
SAVED = success(1050001, "Your changes have been saved!")
PASSWORD = info(1070001, "Password")
ID = info(1070004, "ID")
SUBMIT = info(1070005, "Submit")
EMAIL = info(1070007, "Email")
RESEND = info(1070008, "Send it again")
RECOVERY_CODE = info(1070010, "Recovery code")
REGISTRATION_CODE = info(1070012, "Sign-up code")
LOGIN_CODE = info(1070013, "Sign-in code")
SEND_LOGIN_CODE = info(1010015, "Send sign-in code")
SEND_REGISTRATION_CODE = info(1040006, "Send sign-up code")
CODE_SENT_AGAIN = info(1010025, "A code was sent to you. Enter it to confirm that it is you.")
CODE_SENT_TO = {
    "login": info(
        1010014, "A code was sent to that address, if it can sign in here. If none arrives, check the spelling."
    ),
    "registration": info(1040005, "A code was sent to your address. If none arrives, go back and check the spelling."),
}
VERIFICATION_CODE = info(1070011, "Verification code")


def sent(act: str, method: str, address: str) -> Message:
    """That a secret is on its way, if anybody has the address."""
    if act == "recovery":
        return info(1060002 if method == "link" else 1060003, _SENT.format(method))
    number = 1080001 if method == "link" else 1080004 if address.startswith("+") else 1080003
    return info(number, _SENT.format(method))


_SENT = "If an account has this address, a message with a {} is on its way there."


def verified(address: str) -> Message:
    return (
        success(1080005, "Your phone number is confirmed.")
        if address.startswith("+")
        else success(1080002, "Your email address is confirmed.")
    )


def recovered(privileged: int, until: int) -> Message:
    minutes, when = privileged // MINUTE, at(until)
    text = f"You recovered your account. Please change your password within the next {minutes} minutes."
    seconds = until // SECOND
    return success(1060001, text, privileged_session_expires_at=when, privileged_session_expires_at_unix=seconds)


def label(title: str, name: str) -> Message:
    return info(1070002, title, title=title, name=name)


REMEMBER_ME = label("Keep me signed in", "remember_me")


def generic(reason: str) -> Message:
    return error(4000001, reason, reason=reason)


_PASSWORD: dict[str, Callable[[str, Mapping[str, int]], Message]] = {
    "too_short": lambda reason, facts: error(4000032, reason, **facts),
    "too_long": lambda reason, facts: error(4000033, reason, **facts),
    "known": lambda reason, facts: error(4000034, reason, **facts),
    "unchanged": lambda reason, _facts: error(4000039, reason),
    "similar": lambda _reason, _facts: error(
        4000031, "The password can not be used because it is too similar to the identifier."
    ),
}


def _missing(name: str) -> Message:
    return error(4000002, f"Property {name} is missing.", property=name)


# By keyword of JSON Schema: the number, and what clients call what it asks for and what was found.
_RULES = {
    "minLength": (4000003, "min_length", "actual_length"),
    "maxLength": (4000017, "max_length", "actual_length"),
    "pattern": (4000004, "pattern", None),
    "minimum": (4000018, "minimum", "actual"),
    "exclusiveMinimum": (4000019, "minimum", "actual"),
    "maximum": (4000020, "maximum", "actual"),
    "exclusiveMaximum": (4000021, "maximum", "actual"),
    "multipleOf": (4000022, "base", "actual"),
    "maxItems": (4000023, "max_items", "actual_items"),
    "minItems": (4000024, "min_items", "actual_items"),
    "type": (4000026, "allowed_types", "actual_type"),
    "const": (4000029, "expected", None),
}
_ADDRESSES = {
    "email": error(4000040, "Enter a valid email address."),
    "tel": error(4000041, "Enter a valid phone number."),
}


def _of_rule(problem: Mapping[str, Any]) -> Message:
    """What is wrong with a trait."""
    rule, limit, found = problem.get("rule"), problem.get("limit"), problem.get("found")
    if rule == "required":
        return _missing(problem["pointer"].rpartition("/")[2])
    if rule == "format" and limit in _ADDRESSES:
        return _ADDRESSES[limit]
    if rule not in _RULES:
        return generic(problem["reason"])
    number, asked, was = _RULES[rule]
    return error(number, problem["reason"], **{asked: limit}, **({was: found} if was else {}))


def of_problem(problem: Mapping[str, Any]) -> Message:
    """The message of one problem that a flow remembers."""
    code, reason = problem["code"], problem.get("reason", "")
    if code == "password_refused":
        say = _PASSWORD.get(problem["rule"])
        facts = problem.get("facts", {})
        return say(reason, facts) if say else error(4000005, reason, reason=reason)
    if code == "property_missing":
        return _missing(problem["field"])
    if code == "traits_invalid":
        return _of_rule(problem)
    if code in _EXPIRED:
        ago = (problem["now"] - problem["expired_at"]) / MINUTE
        when = {"expired_at": at(problem["expired_at"]), "expired_at_unix": problem["expired_at"] // SECOND}
        return error(_EXPIRED[code], f"The flow expired {ago:.2f} minutes ago, please try again.", **when)
    simple = _SIMPLE.get(code)
    return simple or generic(reason)


_EXPIRED = {
    "login_expired": 4010001,
    "registration_expired": 4040001,
    "settings_expired": 4050001,
    "recovery_expired": 4060005,
    "verification_expired": 4070005,
}
_SPENT = generic("The code was tried too often, or is not good any more. Ask for another one.")
_SIMPLE = {
    "login_code_wrong": error(4010008, "The code is wrong or was used already. Please try again."),
    "login_code_spent": _SPENT,
    "registration_code_wrong": error(4040003, "The code is wrong or was used already. Please try again."),
    "registration_code_spent": _SPENT,
    "traits_changed": error(4000036, "What you filled in is not what the code was sent for. Ask for another one."),
    "code_unknown": error(4000035, "No account signs in by a code that is sent there."),
    "account_unknown": error(4000037, "No account signs in by this name or address."),
    "no_identifier": error(4000009, "There is no address among what you filled in that a code could be sent to."),
    "login_again": error(4010007, "You signed in with this form already. Please try again."),
    "registration_again": error(4040002, "You signed up with this form already. Please try again."),
    "settings_again": generic("Your credentials were changed elsewhere meanwhile. Please try again."),
    "credentials_wrong": error(
        4000006,
        "The provided credentials are invalid, check for spelling mistakes in your password or username, email "
        "address, or phone number.",
    ),
    "identity_disabled": error(4010011, "This account was disabled."),
    "address_unverified": error(4000010, "This account has no address that could be verified, so it cannot sign in."),
    "sessions_full": generic(SessionsFull.default_reason),
    "conflict": error(4000007, "An account with the same identifier (email, phone, username, ...) exists already."),
    "recovery_again": error(4060001, "This form was used already. Please try again."),
    "verification_again": error(4070002, "This form was used already. Please try again."),
    "recovery_spent": _SPENT,
    "verification_spent": _SPENT,
    "address_invalid": _ADDRESSES["email"],
    "messages_exhausted": generic("Too many messages were sent to this address. Please try again in an hour."),
    "link_wrong": error(4060004, "The recovery link is invalid or has already been used. Please try again."),
    "verification_code_wrong": error(
        4070006, "The verification code is invalid or has already been used. Please try again."
    ),
    "verification_link_wrong": error(
        4070001, "The verification link is invalid or has already been used. Please try again."
    ),
    "no_strategy_recovery": error(
        4010005, "Could not find a way to recover your account. Did you fill out the form correctly?"
    ),
    "no_strategy_verification": error(
        4010006, "Could not find a way to confirm your address. Did you fill out the form correctly?"
    ),
    "code_wrong": error(4060006, "The recovery code is invalid or has already been used. Please try again."),
    "no_strategy_login": error(
        4010002, "Could not find a strategy to log you in with. Did you fill out the form correctly?"
    ),
    "no_strategy_registration": error(
        4010003, "Could not find a strategy to sign you up with. Did you fill out the form correctly?"
    ),
    "no_strategy_settings": error(
        4010004, "Could not find a strategy to update your settings. Did you fill out the form correctly?"
    ),
}
