// A theme for sddm that says what its field takes. sddm asks before it starts PAM and gives one secret to every question of
// PAM, so that a theme's own words are all that people see; those of the usual themes say "password" alone.
// Plain QtQuick: it wants no module but what sddm's greeter brings.
import QtQuick 2.15

Rectangle {
    id: screen
    width: 1280
    height: 800
    color: "#20262d"

    property int session: Math.max(0, sessionModel.lastIndex)

    function logIn() {
        said.text = ""
        sddm.login(account.text, secret.text, session)
        secret.text = ""
    }

    Connections {
        target: sddm
        ignoreUnknownSignals: true
        function onLoginFailed() {
            said.text = "That did not work. A wrong PIN costs one of the card's few tries."
            secret.forceActiveFocus()
        }
        // What PAM says; sddm before 0.20 keeps it to itself.
        function onInformationMessage(message) { said.text = message }
    }

    Repeater {
        id: sessions
        model: sessionModel
        Item { property string title: model.name }
    }

    Column {
        anchors.centerIn: parent
        width: Math.min(480, parent.width - 40)
        spacing: 12

        Text {
            text: sddm.hostName
            color: "#c8d0d8"
            font.pixelSize: 24
            textFormat: Text.PlainText
        }
        Field { id: account; label: "Account"; text: userModel.lastUser; onAccepted: secret.forceActiveFocus() }
        Field {
            id: secret
            label: "Card PIN, or password"
            echoMode: TextInput.Password
            focus: true
            onAccepted: screen.logIn()
        }
        Text {
            width: parent.width
            text: "With your smart card in the reader, type its PIN. Without it, type your password."
            color: "#c8d0d8"
            font.pixelSize: 16
            wrapMode: Text.Wrap
        }
        Text {
            id: said
            width: parent.width
            color: "#ffb3a7"
            font.pixelSize: 16
            wrapMode: Text.Wrap
            textFormat: Text.PlainText
        }
        Row {
            spacing: 24
            Link {
                visible: sessionModel.rowCount() > 1
                text: "Session: " + (sessions.count > screen.session ? sessions.itemAt(screen.session).title : "")
                onChosen: screen.session = (screen.session + 1) % sessionModel.rowCount()
            }
            Link { visible: sddm.canReboot; text: "Restart"; onChosen: sddm.reboot() }
            Link { visible: sddm.canPowerOff; text: "Power off"; onChosen: sddm.powerOff() }
        }
    }

    component Link: Text {
        signal chosen()
        color: activeFocus ? "#ffffff" : "#9fc3ff"
        font.pixelSize: 15
        font.underline: true
        textFormat: Text.PlainText
        activeFocusOnTab: true
        Accessible.role: Accessible.Button
        Accessible.name: text
        Keys.onReturnPressed: chosen()
        Keys.onSpacePressed: chosen()
        MouseArea { anchors.fill: parent; onClicked: parent.chosen() }
    }

    Component.onCompleted: (account.text === "" ? account : secret).forceActiveFocus()
}
