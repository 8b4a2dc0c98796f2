"""What is really there at an EC2 endpoint, seen by AWS's own library and not by our client.

    ec2_witness.py URL REGION list             all instances, volumes and key pairs, as JSON
    ec2_witness.py URL REGION OPERATION JSON   any call, for example: terminate_instances '{"InstanceIds": ["i-1"]}'

Run it with the Python of moto's virtual environment, which has botocore.
"""

import json
import sys

import botocore.session


def listed(ec2) -> dict:
    instances = []
    for page in ec2.get_paginator("describe_instances").paginate():
        for reservation in page["Reservations"]:
            for it in reservation["Instances"]:
                instances.append(
                    {
                        "id": it["InstanceId"],
                        "state": it["State"]["Name"],
                        "type": it["InstanceType"],
                        "image": it["ImageId"],
                        "zone": it["Placement"]["AvailabilityZone"],
                        "key": it.get("KeyName"),
                        "token": it.get("ClientToken"),
                        "ip": it.get("PublicIpAddress"),
                        "tags": {tag["Key"]: tag["Value"] for tag in it.get("Tags", [])},
                    }
                )
    volumes = []
    for page in ec2.get_paginator("describe_volumes").paginate():
        for it in page["Volumes"]:
            tags = {tag["Key"]: tag["Value"] for tag in it.get("Tags", [])}
            volumes.append({"id": it["VolumeId"], "state": it["State"], "tags": tags})
    keys = [
        {
            "name": it["KeyName"],
            "key": it.get("PublicKey"),
            "tags": {tag["Key"]: tag["Value"] for tag in it.get("Tags", [])},
        }
        for it in ec2.describe_key_pairs(IncludePublicKey=True)["KeyPairs"]
    ]
    return {"instances": instances, "volumes": volumes, "keys": keys}


def main() -> None:
    url, region, operation = sys.argv[1:4]
    session = botocore.session.get_session()
    session.set_credentials("witness", "witness")
    ec2 = session.create_client("ec2", region_name=region, endpoint_url=url)
    if operation == "list":
        answer = listed(ec2)
    else:
        answer = getattr(ec2, operation)(**json.loads(sys.argv[4]))
    print(json.dumps(answer, default=str))


main()
