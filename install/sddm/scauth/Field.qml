// A line to type in, with what it takes written over it.
import QtQuick 2.15

FocusScope {
    id: field
    property string label
    property alias text: input.text
    property alias echoMode: input.echoMode
    signal accepted()

    width: parent.width
    height: 68

    Text {
        id: title
        text: field.label
        color: "#ffffff"
        font.pixelSize: 16
    }
    Rectangle {
        anchors.top: title.bottom
        anchors.topMargin: 6
        width: parent.width
        height: 40
        radius: 4
        color: "#ffffff"
        border.width: input.activeFocus ? 3 : 1
        border.color: input.activeFocus ? "#3d8bfd" : "#8c98a4"
        TextInput {
            id: input
            anchors.fill: parent
            anchors.margins: 10
            focus: true
            activeFocusOnTab: true
            clip: true
            color: "#101418"
            font.pixelSize: 16
            Accessible.name: field.label
            Accessible.role: Accessible.EditableText
            onAccepted: field.accepted()
        }
    }
}
