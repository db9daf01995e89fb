// SPDX-License-Identifier: MIT
pragma solidity 0.8.26;

// fixtures/contracts/rsvp.js for Ethereum: one answer a caller
contract Rsvps {
    struct Answer {
        bool isAttending;
        string reason;
    }

    mapping(address => Answer) public answers;

    function RSVP(bool isAttending, string calldata reason) external {
        answers[msg.sender] = Answer(isAttending, reason);
    }
}
